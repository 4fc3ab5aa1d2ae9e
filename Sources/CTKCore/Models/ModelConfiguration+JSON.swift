extension ModelConfiguration {
  /// Reads the fields of a Hugging Face `config.json`.
  ///
  /// - Throws: `config.invalid` for a missing or impossible field, `config.unsupported` for an
  ///   unknown architecture, activation, position type or summary.
  public init(json: JSONValue) throws(CoreError) {
    guard let fields = json.objectValue else {
      throw CoreError(.configInvalid, "config.json must hold an object")
    }
    let reader = ConfigurationReader(fields: fields)
    switch try reader.architecture() {
    case .bert: try self.init(reader, absolutePositionsOf: .bert)
    case .roberta: try self.init(reader, absolutePositionsOf: .roberta)
    case .electra: try self.init(reader, absolutePositionsOf: .electra)
    case .xlnet: try self.init(xlnet: reader)
    case .distilbert: try self.init(distilbert: reader)
    }
    guard hiddenSize % headCount == 0 else {
      throw CoreError(
        .configInvalid, "hidden_size \(hiddenSize) is not a multiple of \(headCount) heads")
    }
    guard positionCount == 0 || firstPosition < positionCount else {
      throw CoreError(
        .configInvalid,
        "max_position_embeddings \(positionCount) leaves no position after the padding's")
    }
  }

  /// BERT and the families that took over its field names.
  private init(
    _ reader: ConfigurationReader, absolutePositionsOf architecture: Architecture
  ) throws(CoreError) {
    try reader.require(["position_embedding_type": "absolute"])
    let hiddenSize = try reader.positive("hidden_size")
    let padTokenID = try reader.tokenID("pad_token_id")
    if architecture == .roberta && padTokenID == nil {
      throw CoreError(
        .configInvalid, "pad_token_id is missing, and the positions begin after it",
        hint: "RoBERTa's own is 1")
    }
    self.init(
      architecture: architecture,
      vocabularySize: try reader.positive("vocab_size"),
      hiddenSize: hiddenSize,
      embeddingSize: architecture == .electra
        ? try reader.positive("embedding_size") : hiddenSize,
      layerCount: try reader.layerCount("num_hidden_layers"),
      headCount: try reader.positive("num_attention_heads"),
      intermediateSize: try reader.positive("intermediate_size"),
      positionCount: try reader.positive("max_position_embeddings"),
      firstPosition: architecture == .roberta ? (padTokenID ?? 0) + 1 : 0,
      tokenTypeCount: try reader.positive("type_vocab_size"),
      activation: try reader.activation("hidden_act"),
      layerNormEpsilon: try reader.epsilon("layer_norm_eps"),
      hiddenDropout: try reader.probability("hidden_dropout_prob", default: 0.1),
      attentionDropout: try reader.probability("attention_probs_dropout_prob", default: 0.1),
      classifierDropout: try reader.optionalProbability("classifier_dropout"),
      padTokenID: padTokenID ?? 0,
      initializerRange: try reader.deviation("initializer_range", default: 0.02),
      labels: try reader.labels())
  }

  /// DistilBERT: its epsilon is fixed, and it has no token types.
  private init(distilbert reader: ConfigurationReader) throws(CoreError) {
    let hiddenSize = try reader.positive("dim", "hidden_size")
    self.init(
      architecture: .distilbert,
      vocabularySize: try reader.positive("vocab_size"),
      hiddenSize: hiddenSize,
      embeddingSize: hiddenSize,
      layerCount: try reader.layerCount("n_layers", "num_hidden_layers"),
      headCount: try reader.positive("n_heads", "num_attention_heads"),
      intermediateSize: try reader.positive("hidden_dim"),
      positionCount: try reader.positive("max_position_embeddings"),
      firstPosition: 0,
      tokenTypeCount: 0,
      activation: try reader.activation("activation"),
      layerNormEpsilon: 1e-12,
      hiddenDropout: try reader.probability("dropout", default: 0.1),
      attentionDropout: try reader.probability("attention_dropout", default: 0.1),
      classifierDropout: try reader.probability("seq_classif_dropout", default: 0.2),
      padTokenID: try reader.tokenID("pad_token_id") ?? 0,
      initializerRange: try reader.deviation("initializer_range", default: 0.02),
      labels: try reader.labels())
  }

  /// XLNet with two-way attention, which is how its published models encode text.
  private init(xlnet reader: ConfigurationReader) throws(CoreError) {
    try reader.require([
      "attn_type": "bi", "bi_data": false, "untie_r": true, "summary_proj_to_labels": false,
    ])
    let hiddenSize = try reader.positive("d_model", "hidden_size")
    let headCount = try reader.positive("n_head", "num_attention_heads")
    let headSize = try reader.positive("d_head", default: max(hiddenSize / headCount, 1))
    guard headSize * headCount == hiddenSize else {
      throw CoreError(
        .configInvalid, "d_model \(hiddenSize) is not n_head \(headCount) times d_head \(headSize)")
    }
    let dropout = try reader.probability("dropout", default: 0.1)
    let limit = reader.value(["clamp_len"])?.intValue ?? -1
    self.init(
      architecture: .xlnet,
      vocabularySize: try reader.positive("vocab_size", "n_token"),
      hiddenSize: hiddenSize,
      embeddingSize: hiddenSize,
      layerCount: try reader.layerCount("n_layer", "num_hidden_layers"),
      headCount: headCount,
      intermediateSize: try reader.positive("d_inner"),
      positionCount: 0,
      firstPosition: 0,
      tokenTypeCount: 0,
      activation: try reader.activation("ff_activation"),
      layerNormEpsilon: try reader.epsilon("layer_norm_eps"),
      hiddenDropout: dropout,
      attentionDropout: dropout,
      padTokenID: try reader.tokenID("pad_token_id") ?? 5,
      initializerRange: try reader.deviation("initializer_range", default: 0.02),
      labels: try reader.labels(),
      summary: try reader.summary(),
      distanceLimit: limit > 0 ? limit : nil)
  }
}

extension ConfigurationReader {
  fileprivate func summary() throws(CoreError) -> SequenceSummary {
    guard let name = value(["summary_type"])?.stringValue else {
      throw CoreError(.configInvalid, "summary_type is missing")
    }
    guard let kind = SequenceSummary.Kind(rawValue: name) else {
      throw CoreError(.configUnsupported, "summary_type '\(name)' is not supported")
    }
    guard let hasProjection = fields["summary_use_proj"]?.boolValue else {
      throw CoreError(.configInvalid, "summary_use_proj must be true or false")
    }
    return SequenceSummary(
      kind: kind,
      hasProjection: hasProjection,
      activation: try optionalActivation("summary_activation"),
      dropout: try probability("summary_last_dropout", default: 0.1))
  }
}
