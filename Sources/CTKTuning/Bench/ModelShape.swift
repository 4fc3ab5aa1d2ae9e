package import CTKCore

/// Sizes of well-known encoders, to measure without their weights.
package enum ModelShape: String, Sendable, CaseIterable {
  case minilm
  case bertBase = "bert-base"
  case bertLarge = "bert-large"

  /// A BERT of that size with its usual vocabulary and dropout.
  package var configuration: ModelConfiguration {
    get throws(CoreError) {
      let (layers, width, heads) =
        switch self {
        case .minilm: (6, 384, 12)
        case .bertBase: (12, 768, 12)
        case .bertLarge: (24, 1024, 16)
        }
      return try ModelConfiguration(
        json: [
          "model_type": "bert", "vocab_size": 30522, "hidden_size": .integer(width),
          "num_hidden_layers": .integer(layers), "num_attention_heads": .integer(heads),
          "intermediate_size": .integer(4 * width), "max_position_embeddings": 512,
          "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
          "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "pad_token_id": 0,
          "initializer_range": 0.02,
        ])
    }
  }
}
