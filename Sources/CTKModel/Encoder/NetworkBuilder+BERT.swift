import CTKCore

/// BERT, and RoBERTa, ELECTRA and DistilBERT where they follow it.
extension NetworkBuilder {
  /// - Parameter padding: the id that takes no position; nil when every token takes one.
  mutating func embeddings(prefix: String, padding: Int?) -> Embeddings {
    let name = "\(prefix).embeddings"
    let size = configuration.embeddingSize
    let words = table(
      "\(name).word_embeddings", rows: configuration.vocabularySize, width: size)
    let positions = PositionTable(
      table: table(
        "\(name).position_embeddings", rows: configuration.positionCount, width: size),
      first: configuration.firstPosition, padding: padding)
    let tokenTypes =
      configuration.tokenTypeCount == 0
      ? nil
      : table(
        "\(name).token_type_embeddings", rows: configuration.tokenTypeCount, width: size)
    return Embeddings(
      words: words, positions: positions, tokenTypes: tokenTypes,
      norm: norm("\(name).LayerNorm", width: size, .embeddings),
      projection: size == width
        ? nil : linear("\(prefix).embeddings_project", from: size, to: width, .embeddings))
  }

  mutating func layer(_ number: Int, prefix: String) -> EncoderLayer {
    let name = "\(prefix).encoder.layer.\(number)"
    let part = NetworkPart.layer(number)
    let attention = absoluteAttention(
      ["query", "key", "value"].map { "\(name).attention.self.\($0)" },
      output: "\(name).attention.output.dense", norm: "\(name).attention.output.LayerNorm", part)
    return EncoderLayer(
      number: number, attention: .absolute(attention),
      feedForward: feedForward(
        "\(name).intermediate.dense", "\(name).output.dense", norm: "\(name).output.LayerNorm",
        part))
  }

  mutating func distilBERTLayer(_ number: Int) -> EncoderLayer {
    let name = "distilbert.transformer.layer.\(number)"
    let part = NetworkPart.layer(number)
    let attention = absoluteAttention(
      ["q_lin", "k_lin", "v_lin"].map { "\(name).attention.\($0)" },
      output: "\(name).attention.out_lin", norm: "\(name).sa_layer_norm", part)
    return EncoderLayer(
      number: number, attention: .absolute(attention),
      feedForward: feedForward(
        "\(name).ffn.lin1", "\(name).ffn.lin2", norm: "\(name).output_layer_norm", part))
  }

  private mutating func absoluteAttention(
    _ projections: [String], output: String, norm normName: String, _ part: NetworkPart
  ) -> AbsoluteAttention {
    let projections = stacked(projections, part)
    return AbsoluteAttention(
      query: projections[0], key: projections[1], value: projections[2],
      attention: SelfAttention(
        headCount: configuration.headCount, headSize: configuration.headSize),
      output: linear(output, from: width, to: width, part),
      norm: norm(normName, width: width, part))
  }
}
