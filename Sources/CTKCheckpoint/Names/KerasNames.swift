import CTKCore

/// Parts of the names in files of Keras 3.
enum KerasPath {
  /// What the layers of the head of a preset are told by, whose file is a second one.
  static let taskPrefix = "task/"

  /// Whether a name ends in `vars/<number>`.
  static func isVariable(_ components: [Substring]) -> Bool {
    guard components.count > 1, components[components.count - 2] == "vars" else { return false }
    let number = components[components.count - 1].utf8
    return (1...6).contains(number.count) && number.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// Whether a name is of an optimizer or a metric, which compiled models have.
  static func isTraining(_ components: some Collection<Substring>) -> Bool {
    components.first == "optimizer" || components.first == "metrics"
  }

  /// Whether a component is an encoder layer's name in KerasHub.
  static func isLayer(_ component: Substring) -> Bool {
    component.hasPrefix("transformer_layer_") || component.hasPrefix("xlnet_encoder_")
  }

  static func isBackbone(_ component: Substring) -> Bool { component.hasSuffix("_backbone") }
}

/// Paths of Keras 3's `.weights.h5`, whose components are attributes and classes in their order.
struct KerasNames: NameTable {
  package let rules: [NameRule]
  private let headRules: [NameRule]
  private let architecture: Architecture
  /// Whether the backbone's variables lie below a component of their own.
  private let hasBackboneScope: Bool

  init(schema: ArchitectureSchema, sourceNames: [String]) {
    architecture = schema.architecture
    rules = schema.rules(schema.keras.backbone.map { ($0.path, $0.target, $0.operation) })
    headRules = schema.rules(schema.keras.heads.map { ($0.path, $0.target, $0.operation) })
    hasBackboneScope = sourceNames.contains { name in
      name.split(separator: "/").contains(where: KerasPath.isBackbone)
    }
  }

  package func match(_ name: String) -> NameMatch {
    let isTask = name.hasPrefix(KerasPath.taskPrefix)
    var components = name.split(separator: "/", omittingEmptySubsequences: false)
    if isTask { components.removeFirst() }
    if KerasPath.isTraining(components) {
      return .skipped(.optimizerState)
    }
    let backbone = components.firstIndex(where: KerasPath.isBackbone)
    if let backbone { components.removeFirst(backbone + 1) }
    let isHead = isTask || hasBackboneScope && backbone == nil
    guard let (rule, layer) = rule(for: Self.plain(components), in: isHead ? headRules : rules)
    else { return .skipped(.unknown(architecture)) }
    return .target(rule.target, layer: layer, operation: rule.operation, isCopy: false)
  }

  /// Drops `layers` in front, `vars`, and the underscore of private attributes, which Keras
  /// versions differ in.
  private static func plain(_ components: [Substring]) -> [Substring] {
    let isListed =
      components.first == "layers" || components.first == "_layer_checkpoint_dependencies"
    return components.dropFirst(isListed ? 1 : 0).filter { $0 != "vars" }.map { component in
      component.first == "_" ? component.dropFirst() : component
    }
  }
}

/// Names of the layers of KerasHub's models, as whole-model `.h5` files have them.
struct KerasLegacyNames: NameTable {
  package let rules: [NameRule]
  private let architecture: Architecture

  /// Groups before a weight's own name: the file's, the layer's and the model's.
  private static let prefixLimit = 3

  init(schema: ArchitectureSchema) {
    architecture = schema.architecture
    rules = schema.rules(
      (schema.keras.backbone + schema.keras.heads).map { ($0.layer, $0.target, $0.operation) })
  }

  package func match(_ name: String) -> NameMatch {
    let components = VariablePath(name).components
    if components.first == "optimizer_weights" { return .skipped(.optimizerState) }
    for dropped in 0...Self.prefixLimit {
      guard let (rule, layer) = rule(for: components.dropFirst(dropped)) else { continue }
      // A masked language model's head stores again the embeddings that it is tied to.
      let isCopy =
        components.contains("mlm_head") && !rule.target.part.isHead
      return .target(rule.target, layer: layer, operation: rule.operation, isCopy: isCopy)
    }
    return .skipped(.unknown(architecture))
  }
}

extension ArchitectureSchema {
  /// Rules for slash-separated names; a line without such a canonical tensor has none.
  fileprivate func rules(
    _ lines: [(name: String, target: String, operation: TensorOperation)]
  ) -> [NameRule] {
    let targets = Dictionary(
      tensors.map { ($0.name.text, $0) }, uniquingKeysWith: { first, _ in first })
    return lines.compactMap { line in
      targets[line.target].map { target in
        NameRule(
          source: NamePattern(line.name, separator: "/"), target: target,
          operation: line.operation)
      }
    }
  }
}
