import CTKCore

/// Variable names of transformers' TensorFlow classes, in `tf_model.h5` or in safetensors.
///
/// A name may begin with the HDF5 layer group and with the model's scope, which
/// may carry a counter; both are dropped when what follows is a known variable.
struct TensorFlowNames: NameTable {
  package let rules: [NameRule]
  private let architecture: Architecture
  private let basePrefix: String
  private let copyingGroups: Set<Substring>

  /// The layer group and the model scope.
  private static let prefixLimit = 2
  /// What encloses them in a file that holds a whole model.
  private static let modelGroup: Substring = "model_weights"
  private static let optimizerGroups: Set<Substring> = ["optimizer_weights", "optimizer"]
  private static let optimizerLeaves: Set<Substring> = ["adam_m", "adam_v", "global_step"]

  init(schema: ArchitectureSchema) {
    let variables = schema.tensorFlow
    let targets = Dictionary(
      schema.tensors.map { ($0.name.text, $0) }, uniquingKeysWith: { first, _ in first })
    architecture = schema.architecture
    basePrefix = schema.basePrefix
    copyingGroups = variables.copyingGroups
    rules = variables.names.compactMap { variable in
      targets[variable.target].map { target in
        NameRule(
          source: NamePattern(variable.name, separator: "/"), target: target,
          operation: variable.name.hasSuffix("/kernel") ? .transpose : .copy)
      }
    }
  }

  package func match(_ name: String) -> NameMatch {
    var components = VariablePath(name).components[...]
    if components.first == Self.modelGroup { components.removeFirst() }
    if components.first.map(Self.optimizerGroups.contains) ?? false
      || components.last.map(Self.optimizerLeaves.contains) ?? false
    {
      return .skipped(.optimizerState)
    }
    for dropped in 0...Self.prefixLimit {
      let rest = components.dropFirst(dropped)
      guard let (rule, layer) = rule(for: rest) else { continue }
      let isCopy =
        dropped > 0 && copyingGroups.contains(components[components.startIndex])
        && rest.first == Substring(basePrefix)
      return .target(rule.target, layer: layer, operation: rule.operation, isCopy: isCopy)
    }
    return .skipped(.unknown(architecture))
  }
}
