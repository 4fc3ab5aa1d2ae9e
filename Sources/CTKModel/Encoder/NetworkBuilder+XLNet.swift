import CTKCore

extension NetworkBuilder {
  /// Words alone: positions and segments enter the attention of every layer.
  mutating func xlnetEmbeddings() -> Embeddings {
    Embeddings(
      words: table(
        "transformer.word_embedding", rows: configuration.vocabularySize, width: width),
      positions: nil, tokenTypes: nil, norm: nil, projection: nil)
  }

  mutating func xlnetLayer(_ number: Int) -> EncoderLayer {
    let name = "transformer.layer.\(number)"
    let part = NetworkPart.layer(number)
    return EncoderLayer(
      number: number,
      attention: .relative(relativeAttention("\(name).rel_attn", part)),
      feedForward: feedForward(
        "\(name).ff.layer_1", "\(name).ff.layer_2", norm: "\(name).ff.layer_norm", part))
  }

  private mutating func relativeAttention(
    _ name: String, _ part: NetworkPart
  ) -> RelativeAttention {
    let heads = [configuration.headCount, configuration.headSize]
    return RelativeAttention(
      query: projection("\(name).q", .toHeads, part),
      key: projection("\(name).k", .toHeads, part),
      value: projection("\(name).v", .toHeads, part),
      distanceKey: projection("\(name).r", .toHeads, part),
      biases: RelativeBiases(
        content: parameter("\(name).r_w_bias", heads, .bias, part),
        distance: parameter("\(name).r_r_bias", heads, .bias, part),
        segment: parameter("\(name).r_s_bias", heads, .bias, part),
        segmentEmbedding: parameter("\(name).seg_embed", [2] + heads, .embedding, part)),
      attention: RelativeSelfAttention(
        headCount: configuration.headCount, headSize: configuration.headSize),
      output: projection("\(name).o", .fromHeads, part),
      norm: norm("\(name).layer_norm", width: width, part))
  }

  private mutating func projection(
    _ name: String, _ direction: HeadProjection.Direction, _ part: NetworkPart
  ) -> HeadProjection {
    let shape = [width, configuration.headCount, configuration.headSize]
    return HeadProjection(weight: parameter(name, shape, .matrix, part), direction: direction)
  }

  /// - Throws: `model.architecture-unsupported` for a summary without its dense layer.
  mutating func xlnetHead(labelCount: Int) throws(ModelError) -> ClassificationHead {
    guard let summary = configuration.summary, summary.hasProjection,
      let activation = summary.activation
    else {
      throw ModelError(
        .architectureUnsupported,
        "an XLNet head without a summary projection and its activation cannot be run",
        hint: "summary_use_proj must be true and summary_activation must name a function")
    }
    return head(
      dense: "sequence_summary.summary", activation, output: "logits_proj",
      labelCount: labelCount, of: summary.kind)
  }
}
