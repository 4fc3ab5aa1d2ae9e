import CTKCore

/// The serialised classes of a KerasHub preset, as Hugging Face fields.
///
/// What KerasHub's classes hold as constants is written out: the LayerNorm epsilon and the form
/// of GELU differ from the defaults of transformers.
enum KerasHubConfiguration {
  private static let taskFile = "task.json"

  /// The description of the task beside a preset's configuration; nil when there is none.
  static func task(beside path: String) throws(CheckpointError) -> JSONValue? {
    let task = Output.parentFolder(of: path) + "/" + taskFile
    guard !path.hasSuffix("/" + taskFile), Folder.fileExists(task) else { return nil }
    return try CheckpointError.wrap { () throws(CoreError) in try JSONParser.parseFile(task) }
  }

  /// Whether a serialised object is a backbone of KerasHub or has one.
  static func describes(_ json: JSONValue) -> Bool {
    let backbone = json["config"]?["backbone"] ?? json
    return backbone["class_name"]?.stringValue.map { backbones[$0] != nil } ?? false
  }

  /// - Parameters:
  ///   - json: a backbone's or a task's description.
  ///   - task: the task's, when `json` is the backbone's.
  /// - Returns: nil when the file is none of KerasHub's.
  /// - Throws: `config.unsupported` for an unknown class, `config.invalid`.
  static func huggingFace(
    _ json: JSONValue, task: JSONValue?
  ) throws(CoreError) -> JSONObject? {
    guard let name = json["class_name"]?.stringValue, json["config"]?.objectValue != nil else {
      return nil
    }
    if let backbone = json["config"]?["backbone"] {
      return try huggingFace(backbone, task: json)
    }
    guard let backbone = backbones[name] else {
      throw CoreError(.configUnsupported, "the KerasHub class '\(name)' is not supported")
    }
    var fields = try backbone.fields(of: json["config"] ?? .null)
    let (classSuffix, labelCount) = try head(of: task)
    fields["architectures"] = [.string(backbone.classPrefix + classSuffix)]
    if let labelCount {
      fields["num_labels"] = .integer(labelCount)
    }
    return fields
  }

  /// The rest of the class name that transformers has for a task.
  private static func head(
    of task: JSONValue?
  ) throws(CoreError) -> (classSuffix: String, labelCount: Int?) {
    guard let task, let name = task["class_name"]?.stringValue else { return ("Model", nil) }
    if name.hasSuffix("MaskedLM") { return ("ForMaskedLM", nil) }
    guard name.hasSuffix("Classifier") else { return ("Model", nil) }
    guard let count = task["config"]?["num_classes"]?.intValue, (1...1 << 20).contains(count) else {
      throw CoreError(.configInvalid, "num_classes must be a positive whole number")
    }
    return ("ForSequenceClassification", count)
  }

  /// One backbone class and the constants of its program.
  private struct Backbone {
    let modelType: String
    let classPrefix: String
    /// Hugging Face's name for each of KerasHub's.
    let names: [String: String]
    let constants: [String: JSONValue]
    /// Rows that transformers puts before KerasHub's positions.
    var paddingPositions = 0

    func fields(of config: JSONValue) throws(CoreError) -> JSONObject {
      var fields = JSONObject()
      fields["model_type"] = .string(modelType)
      for (name, target) in names.sorted(by: { $0.key < $1.key }) {
        guard let value = config[name] else {
          throw CoreError(.configInvalid, "\(name) is missing")
        }
        fields[target] = value
      }
      for (name, value) in constants { fields[name] = value }
      if let rows = fields["max_position_embeddings"]?.intValue, rows < 1 << 28 {
        fields["max_position_embeddings"] = .integer(rows + paddingPositions)
      }
      if let rate = config["dropout"] {
        for target in dropoutNames { fields[target] = rate }
      }
      return fields
    }

    private var dropoutNames: [String] {
      switch modelType {
      case "xlnet": ["dropout"]
      case "distilbert": ["dropout", "attention_dropout"]
      default: ["hidden_dropout_prob", "attention_probs_dropout_prob"]
      }
    }
  }

  private static let backbones = [
    "BertBackbone": Backbone(
      modelType: "bert", classPrefix: "Bert",
      names: bertNames.adding(["vocabulary_size": "vocab_size", "num_segments": "type_vocab_size"]),
      constants: ["hidden_act": "gelu_new", "layer_norm_eps": 1e-12, "pad_token_id": 0]),
    "ElectraBackbone": Backbone(
      modelType: "electra", classPrefix: "Electra",
      names: bertNames.adding([
        "vocab_size": "vocab_size", "num_segments": "type_vocab_size",
        "embedding_dim": "embedding_size",
      ]),
      constants: ["hidden_act": "gelu_new", "layer_norm_eps": 1e-12, "pad_token_id": 0]),
    "RobertaBackbone": roberta(modelType: "roberta", classPrefix: "Roberta"),
    "XLMRobertaBackbone": roberta(modelType: "xlm-roberta", classPrefix: "XLMRoberta"),
    "XLNetBackbone": Backbone(
      modelType: "xlnet", classPrefix: "XLNet",
      names: [
        "vocabulary_size": "vocab_size", "num_layers": "n_layer", "num_heads": "n_head",
        "hidden_dim": "d_model", "intermediate_dim": "d_inner", "activation": "ff_activation",
      ],
      constants: [
        "layer_norm_eps": 1e-12, "pad_token_id": 5, "attn_type": "bi", "summary_type": "last",
        "summary_use_proj": true, "summary_activation": "tanh",
      ]),
    "DistilBertBackbone": Backbone(
      modelType: "distilbert", classPrefix: "DistilBert",
      names: [
        "vocabulary_size": "vocab_size", "num_layers": "n_layers", "num_heads": "n_heads",
        "hidden_dim": "dim", "intermediate_dim": "hidden_dim",
        "max_sequence_length": "max_position_embeddings",
      ],
      constants: ["activation": "gelu", "pad_token_id": 0]),
  ]

  private static let bertNames = [
    "num_layers": "num_hidden_layers", "num_heads": "num_attention_heads",
    "hidden_dim": "hidden_size", "intermediate_dim": "intermediate_size",
    "max_sequence_length": "max_position_embeddings",
  ]

  /// Positions begin after the padding id, for which KerasHub keeps no rows, and the only token
  /// type has no table.
  private static func roberta(modelType: String, classPrefix: String) -> Backbone {
    Backbone(
      modelType: modelType, classPrefix: classPrefix,
      names: bertNames.adding(["vocabulary_size": "vocab_size"]),
      constants: [
        "hidden_act": "gelu", "layer_norm_eps": 1e-5, "pad_token_id": 1, "bos_token_id": 0,
        "eos_token_id": 2, "type_vocab_size": 1,
      ],
      paddingPositions: 2)
  }
}

extension [String: String] {
  fileprivate func adding(_ others: [String: String]) -> [String: String] {
    merging(others) { _, new in new }
  }
}
