import CTKCore

/// Lays out BERT's parameters under the names of its canonical checkpoint.
struct BERTLayoutBuilder {
  let configuration: ModelConfiguration
  private(set) var layout = ParameterLayout()

  init(configuration: ModelConfiguration) {
    self.configuration = configuration
  }

  private var width: Int { configuration.hiddenSize }

  mutating func embeddings() -> Embeddings {
    let prefix = "bert.embeddings"
    return Embeddings(
      words: table("\(prefix).word_embeddings", rows: configuration.vocabularySize),
      positions: table("\(prefix).position_embeddings", rows: configuration.positionCount),
      tokenTypes: table("\(prefix).token_type_embeddings", rows: configuration.tokenTypeCount),
      norm: norm("\(prefix).LayerNorm", .embeddings))
  }

  mutating func layer(_ number: Int) -> EncoderLayer {
    let prefix = "bert.encoder.layer.\(number)"
    let part = NetworkPart.layer(number)
    let projections = stackedProjections("\(prefix).attention.self", part)
    return EncoderLayer(
      number: number,
      query: projections[0], key: projections[1], value: projections[2],
      attention: SelfAttention(
        headCount: configuration.headCount, headSize: configuration.headSize),
      attentionOutput: linear("\(prefix).attention.output.dense", from: width, to: width, part),
      attentionNorm: norm("\(prefix).attention.output.LayerNorm", part),
      intermediate: linear(
        "\(prefix).intermediate.dense", from: width, to: configuration.intermediateSize, part),
      output: linear(
        "\(prefix).output.dense", from: configuration.intermediateSize, to: width, part),
      outputNorm: norm("\(prefix).output.LayerNorm", part),
      activation: ActivationKernel(configuration.activation))
  }

  mutating func head(labelCount: Int) -> PooledClassifier {
    PooledClassifier(
      pooler: linear("bert.pooler.dense", from: width, to: width, .head),
      classifier: linear("classifier", from: width, to: labelCount, .head))
  }

  private mutating func table(_ name: String, rows: Int) -> ParameterID {
    layout.add("\(name).weight", [rows, width], .embedding, .embeddings)
  }

  private mutating func linear(
    _ name: String, from inputs: Int, to outputs: Int, _ part: NetworkPart
  ) -> Linear {
    Linear(
      weight: layout.add("\(name).weight", [outputs, inputs], .matrix, part),
      bias: layout.add("\(name).bias", [outputs], .bias, part))
  }

  /// All three weights first, then all three biases: each set is one block.
  private mutating func stackedProjections(_ prefix: String, _ part: NetworkPart) -> [Linear] {
    let names = ["query", "key", "value"].map { "\(prefix).\($0)" }
    let weights = names.map { layout.add("\($0).weight", [width, width], .matrix, part) }
    let biases = names.map { layout.add("\($0).bias", [width], .bias, part) }
    return zip(weights, biases).map { Linear(weight: $0, bias: $1) }
  }

  private mutating func norm(_ name: String, _ part: NetworkPart) -> LayerNorm {
    LayerNorm(
      scale: layout.add("\(name).weight", [width], .normScale, part),
      shift: layout.add("\(name).bias", [width], .normShift, part),
      epsilon: configuration.layerNormEpsilon)
  }
}
