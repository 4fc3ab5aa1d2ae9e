package import CTKCore

/// The canonical tensors of an architecture: the names and shapes of transformers' PyTorch
/// classes.
package struct ArchitectureSchema: Sendable {
  let architecture: Architecture
  /// First component of the encoder's names; files of the bare encoder omit it.
  let basePrefix: String
  package let tensors: [TensorPattern]
  package let tied: [TiedName]
  package let tensorFlow: TensorFlowVariables
  package let keras: KerasVariables
  /// Values that the model computes itself and some files carry.
  let buffers: Set<String>
  /// What model classes begin with, as in "BertModel".
  let classPrefixes: [String]
  /// The heads of a model class, by the rest of its name: every class has the encoder.
  let partsOfClass: [String: Set<ModelPart>]

  package static func of(_ architecture: Architecture) -> ArchitectureSchema {
    switch architecture {
    case .bert: .bert
    case .roberta: .roberta
    case .electra: .electra
    case .xlnet: .xlnet
    case .distilbert: .distilbert
    }
  }

  /// Whether a checkpoint without the named tensor is of no use as a base.
  func requires(_ name: String) -> Bool {
    let components = name.split(separator: ".", omittingEmptySubsequences: false)
    return tensors.contains { $0.part.isRequired && $0.name.match(components) != nil }
  }

  /// The parts that a model of the named classes has; an unknown class has none but the
  /// encoder and the pooler.
  func parts(of configuration: SourceConfiguration) -> Set<ModelPart> {
    let known = configuration.classNames.compactMap { name in
      classPrefixes.lazy.filter { name.hasPrefix($0) }
        .compactMap { partsOfClass[String(name.dropFirst($0.count))] }.first
    }
    let heads = known.isEmpty ? partsOfClass["Model"].map { [$0] } ?? [] : known
    let parts = heads.reduce(into: Set([.embeddings, .encoder])) { $0.formUnion($1) }
    return parts.union(optionalParts(of: configuration.model, in: parts))
  }

  /// Dense layers that a configuration can leave out.
  private func optionalParts(
    of model: ModelConfiguration, in parts: Set<ModelPart>
  ) -> Set<ModelPart> {
    var optional: Set<ModelPart> = []
    if model.embeddingSize != model.hiddenSize { optional.insert(.embeddingProjection) }
    if parts.contains(.classifier), model.summary?.hasProjection == true {
      optional.insert(.summaryProjection)
    }
    return optional
  }
}

/// The groups of tensors that a model class has or lacks as a whole.
package enum ModelPart: Sendable, Hashable {
  case embeddings
  /// From the width of the embeddings to that of the layers, where they differ.
  case embeddingProjection
  case encoder
  /// A vector that only pretraining uses.
  case pretrainingOnly
  case pooler
  case maskedLanguageModel
  case nextSentence
  /// ELECTRA's decision whether a token was replaced.
  case replacedTokens
  case classifier
  /// XLNet's dense layer before the classifier.
  case summaryProjection
  case tokenClassifier
  case questionAnswering
  /// XLNet's search for answers by beams.
  case beamQuestionAnswering

  /// Whether a checkpoint without it is of no use as a base.
  var isRequired: Bool {
    self == .embeddings || self == .embeddingProjection || self == .encoder
  }

  /// Whether it lies above the encoder and the pooler.
  var isHead: Bool { !isRequired && self != .pretrainingOnly && self != .pooler }
}

/// A name that stands for the same weights as another when embeddings are tied.
package struct TiedName: Sendable {
  package let alias: String
  let owner: String
}
