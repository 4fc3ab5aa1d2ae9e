import CTKCore

/// Variable names of the original releases of BERT, ELECTRA and XLNet.
struct OriginalNames: NameTable {
  package let rules: [NameRule]
  private let architecture: Architecture
  private let variables: OriginalVariables

  /// What stands for the scope of XLNet's fine-tuned heads, which carries the task's name.
  static let taskScope = "{task}"

  private static let taskPrefixes = ["classification_", "regression_"]
  private static let optimizerLeaves: Set<Substring> = [
    "adam_m", "adam_v", "Adam", "Adam_1", "global_step", "beta1_power", "beta2_power",
  ]
  private static let optimizerScope = "AdamWeightDecayOptimizer"

  /// - Parameter classNames: of the configuration.
  init(schema: ArchitectureSchema, classNames: [String]) {
    let variables = OriginalVariables.of(schema.architecture, classNames: classNames)
    let targets = Dictionary(
      schema.tensors.map { ($0.name.text, $0) }, uniquingKeysWith: { first, _ in first })
    architecture = schema.architecture
    self.variables = variables
    rules = variables.names.compactMap { variable in
      targets[variable.target].map { target in
        NameRule(
          source: NamePattern(variable.name, separator: "/"), target: target,
          operation: Self.operation(variable.name))
      }
    }
  }

  /// Kernels of XLNet's attention have an axis for the heads, as in PyTorch.
  private static func operation(_ name: String) -> TensorOperation {
    name.hasSuffix("/kernel") && !name.contains("/rel_attn/") ? .transpose : .copy
  }

  /// Whether a name is one of these: layers are numbered without a dot, below the encoder.
  static func isVariable(_ components: some Collection<Substring>) -> Bool {
    zip(components, components.dropFirst()).contains { parent, layer in
      (parent == "encoder" || parent == "transformer")
        && layer.hasPrefix("layer_") && layer.dropFirst(6).allSatisfy(\.isWholeNumber)
    }
  }

  package func match(_ name: String) -> NameMatch {
    var components = VariablePath(name).components[...]
    if Self.isOptimizerState(components) { return .skipped(.optimizerState) }
    if components.first == variables.outerScope { components.removeFirst() }
    if let (rule, layer) = rule(for: withTaskScope(components)) {
      return .target(rule.target, layer: layer, operation: rule.operation, isCopy: false)
    }
    if let other = variables.otherNetwork, let first = components.first,
      other.scopes.contains(first)
    {
      return .skipped(.otherNetwork(other.name))
    }
    return .skipped(.unknown(architecture))
  }

  private static func isOptimizerState(_ components: ArraySlice<Substring>) -> Bool {
    components.last.map(optimizerLeaves.contains) ?? false
      || components.contains { $0.hasPrefix(optimizerScope) }
  }

  /// The components with a task's scope as the table spells it.
  private func withTaskScope(_ components: ArraySlice<Substring>) -> [Substring] {
    guard components.count == 3, let first = components.first,
      Self.taskPrefixes.contains(where: first.hasPrefix)
    else { return Array(components) }
    return [Substring(Self.taskScope)] + components.dropFirst()
  }
}
