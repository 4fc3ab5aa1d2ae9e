package import CTKCore

/// One line of a name table: where a source tensor goes and how.
package struct NameRule: Sendable {
  package let source: NamePattern
  package let target: TensorPattern
  package let operation: TensorOperation
}

/// What a name table says about one source tensor.
package enum NameMatch {
  /// - isCopy: whether the source is known to repeat another tensor.
  case target(TensorPattern, layer: Int?, operation: TensorOperation, isCopy: Bool)
  case skipped(SkipReason)
}

/// Why a source tensor takes no part.
package enum SkipReason: CustomStringConvertible {
  case buffer
  case optimizerState
  case unknown(Architecture)
  case layerBeyond(layer: Int, count: Int)
  /// A projection although the embeddings are as wide as the layers.
  case projectionUnused
  /// A second network in the same file, such as ELECTRA's generator.
  case otherNetwork(String)

  package var description: String {
    switch self {
    case .buffer: "a buffer that the model computes itself"
    case .optimizerState: "state of an optimizer or of the training"
    case .unknown(let architecture): "no tensor of \(architecture.rawValue) has this name"
    case .projectionUnused: "the embeddings are as wide as the layers and are not projected"
    case .otherNetwork(let name): "part of the \(name), which the configuration does not ask for"
    case .layerBeyond(let layer, let count):
      "layer \(layer) is beyond the \(count) layers of the configuration"
    }
  }
}

/// The anchored rules of one architecture in one source layout.
///
/// A name matches a rule as a whole or not at all; nothing is replaced inside it.
package protocol NameTable: Sendable {
  var rules: [NameRule] { get }

  func match(_ name: String) -> NameMatch
}

extension NameTable {
  /// The rule whose pattern equals all the components.
  func rule(for components: some Collection<Substring>) -> (rule: NameRule, layer: Int?)? {
    rule(for: components, in: rules)
  }

  func rule(
    for components: some Collection<Substring>, in rules: [NameRule]
  ) -> (rule: NameRule, layer: Int?)? {
    for rule in rules {
      if let layer = rule.source.match(components) { return (rule, layer) }
    }
    return nil
  }
}

extension ArchitectureSchema {
  /// - Parameters:
  ///   - sourceNames: all names of the source, from which some layouts tell what encloses the
  ///     model.
  ///   - classNames: of the configuration, which tell networks of one file apart.
  package func nameTable(
    for layout: SourceLayout, sourceNames: [String] = [], classNames: [String] = []
  ) -> any NameTable {
    switch layout {
    case .pytorch: PyTorchNames(schema: self)
    case .tensorflow: TensorFlowNames(schema: self)
    case .original: OriginalNames(schema: self, classNames: classNames)
    case .tensorflowObjects: TensorFlowObjectNames(schema: self)
    case .keras: KerasNames(schema: self, sourceNames: sourceNames)
    case .kerasLegacy: KerasLegacyNames(schema: self)
    }
  }
}
