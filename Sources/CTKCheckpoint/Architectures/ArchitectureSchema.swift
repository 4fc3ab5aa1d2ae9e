import CTKCore

/// An extent that a configuration decides.
package enum Extent: Sendable, Hashable {
  case vocabulary
  case hidden
  case embedding
  case intermediate
  case positions
  case tokenTypes
  case labels
  case fixed(Int)
}

/// The groups of tensors that a model class has or lacks as a whole.
package enum ModelPart: Sendable, Hashable {
  case embeddings
  case encoder
  case pooler
  case maskedLanguageModel
  case nextSentence
  case classifier
  case questionAnswering

  /// Whether a checkpoint without it is of no use as a base.
  var isRequired: Bool { self == .embeddings || self == .encoder }
}

/// One canonical tensor, or one per layer.
package struct TensorPattern: Sendable {
  package let name: NamePattern
  let shape: [Extent]
  let part: ModelPart

  init(_ name: String, _ shape: [Extent], _ part: ModelPart) {
    self.name = NamePattern(name, separator: ".")
    self.shape = shape
    self.part = part
  }
}

/// A name that stands for the same weights as another when embeddings are tied.
package struct TiedName: Sendable {
  package let alias: String
  let owner: String
}

/// The canonical tensors of an architecture.
package struct ArchitectureSchema: Sendable {
  let architecture: Architecture
  /// First component of the encoder's names; files of the bare encoder omit it.
  let basePrefix: String
  package let tensors: [TensorPattern]
  package let tied: [TiedName]
  package let tensorFlow: TensorFlowVariables
  /// Values that the model computes itself and some files carry.
  let buffers: Set<String>
  /// The parts of each model class named in `architectures`, besides the required ones.
  let partsOfClass: [String: Set<ModelPart>]

  /// - Throws: `checkpoint.architecture-unsupported`.
  static func of(_ architecture: Architecture) throws(CheckpointError) -> ArchitectureSchema {
    switch architecture {
    case .bert: return .bert
    case .roberta, .electra, .xlnet, .distilbert:
      throw CheckpointError(
        .architectureUnsupported,
        "checkpoints of the architecture '\(architecture.rawValue)' are not supported")
    }
  }

  /// The parts that a model of the named classes has; an unknown class has none but the
  /// encoder and the pooler.
  func parts(ofClasses classes: [String]) -> Set<ModelPart> {
    let known = classes.compactMap { partsOfClass[$0] }
    let optional = known.isEmpty ? [.pooler] : known.reduce(into: Set()) { $0.formUnion($1) }
    return optional.union([.embeddings, .encoder])
  }
}
