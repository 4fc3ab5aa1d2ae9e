import CTKCore

/// Builds a family's network and lays out its parameters under the names of its
/// canonical checkpoint.
struct NetworkBuilder {
  let configuration: ModelConfiguration
  private(set) var layout = ParameterLayout()

  var width: Int { configuration.hiddenSize }

  init(configuration: ModelConfiguration) {
    self.configuration = configuration
  }

  mutating func embeddings() -> Embeddings {
    switch configuration.architecture {
    case .bert: embeddings(prefix: "bert", padding: nil)
    case .roberta: embeddings(prefix: "roberta", padding: configuration.padTokenID)
    case .electra: embeddings(prefix: "electra", padding: nil)
    case .distilbert: embeddings(prefix: "distilbert", padding: nil)
    case .xlnet: xlnetEmbeddings()
    }
  }

  mutating func layer(_ number: Int) -> EncoderLayer {
    switch configuration.architecture {
    case .bert: layer(number, prefix: "bert")
    case .roberta: layer(number, prefix: "roberta")
    case .electra: layer(number, prefix: "electra")
    case .distilbert: distilBERTLayer(number)
    case .xlnet: xlnetLayer(number)
    }
  }

  /// - Throws: `model.architecture-unsupported`.
  mutating func head(labelCount: Int) throws(ModelError) -> ClassificationHead {
    switch configuration.architecture {
    case .bert:
      head(dense: "bert.pooler.dense", .tanh, output: "classifier", labelCount: labelCount)
    case .roberta:
      head(dense: "classifier.dense", .tanh, output: "classifier.out_proj", labelCount: labelCount)
    case .electra:
      head(dense: "classifier.dense", .gelu, output: "classifier.out_proj", labelCount: labelCount)
    case .distilbert:
      head(dense: "pre_classifier", .relu, output: "classifier", labelCount: labelCount)
    case .xlnet: try xlnetHead(labelCount: labelCount)
    }
  }

  mutating func tokenHead(labelCount: Int) -> TokenHead {
    TokenHead(output: linear("classifier", from: width, to: labelCount, .head))
  }
}

// MARK: Parts

extension NetworkBuilder {
  mutating func table(_ name: String, rows: Int, width: Int) -> ParameterID {
    layout.add("\(name).weight", [rows, width], .embedding, .embeddings)
  }

  mutating func linear(
    _ name: String, from inputs: Int, to outputs: Int, _ part: NetworkPart
  ) -> Linear {
    Linear(
      weight: layout.add("\(name).weight", [outputs, inputs], .matrix, part),
      bias: layout.add("\(name).bias", [outputs], .bias, part))
  }

  /// Layers of the hidden width that share their input: all weights first, then all
  /// biases, so that each set is one block.
  mutating func stacked(_ names: [String], _ part: NetworkPart) -> [Linear] {
    let weights = names.map {
      layout.add("\($0).weight", [width, width], .matrix, part, isStacked: true)
    }
    let biases = names.map { layout.add("\($0).bias", [width], .bias, part, isStacked: true) }
    return zip(weights, biases).map { Linear(weight: $0, bias: $1) }
  }

  mutating func norm(_ name: String, width: Int, _ part: NetworkPart) -> LayerNorm {
    LayerNorm(
      scale: layout.add("\(name).weight", [width], .normScale, part),
      shift: layout.add("\(name).bias", [width], .normShift, part),
      epsilon: configuration.layerNormEpsilon)
  }

  mutating func parameter(
    _ name: String, _ shape: [Int], _ role: ParameterRole, _ part: NetworkPart
  ) -> ParameterID {
    layout.add(name, shape, role, part)
  }

  mutating func feedForward(
    _ intermediate: String, _ output: String, norm name: String, _ part: NetworkPart
  ) -> FeedForward {
    let inner = configuration.intermediateSize
    return FeedForward(
      intermediate: linear(intermediate, from: width, to: inner, part),
      output: linear(output, from: inner, to: width, part),
      norm: norm(name, width: width, part),
      activation: ActivationKernel(configuration.activation))
  }

  mutating func head(
    dense: String, _ activation: Activation, output: String, labelCount: Int,
    of summary: SequenceSummary.Kind = .first
  ) -> ClassificationHead {
    ClassificationHead(
      summary: summary,
      dense: linear(dense, from: width, to: width, .head),
      activation: ActivationKernel(activation),
      output: linear(output, from: width, to: labelCount, .head))
  }
}
