import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Testing

@Suite("Configurations of every origin", .tags(.format))
struct ConfigurationTests {
  private let folder = TemporaryFolder()

  private func read(
    _ text: String, task: String? = nil, architecture: Architecture? = nil,
    tensorNames: [String] = []
  ) throws -> SourceConfiguration {
    let path = folder.file("config.json")
    try folder.write("config.json", Array(text.utf8))
    if let task { try folder.write("task.json", Array(task.utf8)) }
    return try SourceConfiguration.read(
      path, architecture: architecture, tensorNames: tensorNames)
  }

  @Test("The original BERT's file lacks type and epsilon, which are said")
  func originalBERT() throws {
    let text = """
      {"attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
       "hidden_size": 12, "initializer_range": 0.02, "intermediate_size": 20,
       "max_position_embeddings": 16, "num_attention_heads": 3, "num_hidden_layers": 2,
       "type_vocab_size": 2, "vocab_size": 30}
      """
    let found = try read(text, tensorNames: ["bert/embeddings/word_embeddings", "global_step"])
    #expect(found.model.architecture == .bert && found.model.layerNormEpsilon == 1e-12)
    #expect(found.findings.count == 3)
    #expect(failureCode { _ = try read(text, tensorNames: ["a/b", "c"]) } == "config.invalid")
    #expect(failureCode { _ = try read(text, architecture: .roberta) } == "config.invalid")
  }

  @Test("The original XLNet's file gets the constants of its program")
  func originalXLNet() throws {
    let text = """
      {"d_head": 4, "d_inner": 20, "d_model": 12, "ff_activation": "gelu", "n_head": 3,
       "n_layer": 2, "n_token": 30, "untie_r": true}
      """
    let found = try read(text, tensorNames: ["model/transformer/layer_0/rel_attn/q/kernel"])
    let model = found.model
    #expect(model.architecture == .xlnet && model.vocabularySize == 30 && model.headSize == 4)
    #expect(model.layerNormEpsilon == 1e-12 && model.padTokenID == 5 && model.lengthLimit == nil)
    #expect(model.summary?.kind == .last && model.summary?.activation == .tanh)
    #expect(found.json["vocab_size"] == 30 && found.json["n_token"] == nil)
  }

  @Test("RoBERTa under its other names", arguments: ["roberta", "xlm-roberta", "camembert"])
  func robertaFamily(_ type: String) throws {
    let text = """
      {"model_type": "\(type)", "vocab_size": 30, "hidden_size": 12, "num_hidden_layers": 2,
       "num_attention_heads": 3, "intermediate_size": 20, "max_position_embeddings": 18,
       "type_vocab_size": 1, "hidden_act": "gelu", "layer_norm_eps": 1e-5, "pad_token_id": 1}
      """
    let found = try read(text, architecture: .roberta)
    #expect(found.model.architecture == .roberta)
    #expect(found.model.firstPosition == 2 && found.model.lengthLimit == 16)
    for field in ["pad_token_id", "layer_norm_eps", "type_vocab_size", "max_position_embeddings"] {
      let lacking = text.replacing("\"\(field)\":", with: "\"other\":")
      #expect(failureCode { _ = try read(lacking) } == "config.invalid", "\(field)")
    }
  }

  @Test("DistilBERT has fields of its own and a fixed epsilon")
  func distilBERT() throws {
    let found = try read(
      """
      {"activation": "gelu", "architectures": ["DistilBertForMaskedLM"], "attention_dropout": 0.2,
       "dim": 12, "dropout": 0.1, "hidden_dim": 20, "max_position_embeddings": 16,
       "n_heads": 3, "n_layers": 2, "vocab_size": 30}
      """)
    #expect(found.model.architecture == .distilbert && found.json["model_type"] == "distilbert")
    #expect(found.model.hiddenSize == 12 && found.model.intermediateSize == 20)
    #expect(found.model.tokenTypeCount == 0 && found.model.layerNormEpsilon == 1e-12)
    #expect(found.model.attentionDropout == 0.2 && found.model.classifierDropout == 0.2)
  }

  @Test(
    "What would change results is refused",
    arguments: [
      ("attn_type", "\"uni\""), ("bi_data", "true"), ("summary_type", "\"cls_index\""),
      ("summary_activation", "\"mystery\""), ("untie_r", "false"),
    ])
  func unsupportedXLNet(_ field: String, _ value: String) throws {
    var fields =
      try JSONParser.parse(
        Array(
          """
          {"model_type": "xlnet", "vocab_size": 30, "d_model": 12, "n_layer": 2, "n_head": 3,
           "d_inner": 20, "ff_activation": "gelu", "layer_norm_eps": 1e-12, "summary_type": "last",
           "summary_use_proj": true, "summary_activation": "tanh", "clamp_len": 7}
          """.utf8)
      ).objectValue ?? JSONObject()
    let sound = try read(JSONValue.object(fields).prettyText)
    #expect(sound.model.distanceLimit == 7)
    fields[field] = try JSONParser.parse(Array(value.utf8))
    #expect(
      failureCode { _ = try read(JSONValue.object(fields).prettyText) } == "config.unsupported")
  }

  @Test("KerasHub's classes carry constants that transformers' defaults contradict")
  func kerasHub() throws {
    let backbone = """
      {"class_name": "RobertaBackbone", "config": {"vocabulary_size": 30, "num_layers": 2,
       "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 20, "dropout": 0.1,
       "max_sequence_length": 16}}
      """
    let bare = try read(backbone)
    #expect(bare.model.architecture == .roberta && bare.model.layerNormEpsilon == 1e-5)
    #expect(bare.model.positionCount == 18 && bare.model.tokenTypeCount == 1)
    #expect(bare.classNames == ["RobertaModel"])
    let task = """
      {"class_name": "RobertaTextClassifier",
       "config": {"backbone": \(backbone), "num_classes": 4}}
      """
    let tuned = try read(backbone, task: task)
    #expect(tuned.classNames == ["RobertaForSequenceClassification"])
    #expect(tuned.model.labels.count == 4)
    let bert = try read(
      """
      {"class_name": "BertBackbone", "config": {"vocabulary_size": 30, "num_layers": 2,
       "num_heads": 3, "hidden_dim": 12, "intermediate_dim": 20, "max_sequence_length": 16,
       "num_segments": 2}}
      """, task: "{}")
    #expect(bert.model.activation == .geluTanh && bert.model.layerNormEpsilon == 1e-12)
    #expect(
      failureCode { _ = try read(backbone.replacing("Roberta", with: "Gemma")) }
        == "config.unsupported")
  }
}
