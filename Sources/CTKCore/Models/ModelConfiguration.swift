/// The encoder families ctk knows by name.
public enum Architecture: String, Sendable, CaseIterable {
  case bert
  case roberta
  case electra
  case xlnet
  case distilbert
}

/// The element-wise functions a configuration may name.
public enum Activation: String, Sendable, CaseIterable {
  /// x * Phi(x), by the error function.
  case gelu
  /// The tanh approximation of GELU.
  case geluTanh = "gelu_new"
  case relu
  case silu
  case tanh

  /// - Parameter configName: the name used in `config.json`.
  public init?(configName: String) {
    switch configName {
    case "gelu", "gelu_python": self = .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": self = .geluTanh
    case "relu": self = .relu
    case "silu", "swish": self = .silu
    case "tanh": self = .tanh
    default: return nil
    }
  }
}

/// What a `config.json` says about an encoder, with nothing guessed that would
/// change results.
public struct ModelConfiguration: Sendable, Equatable {
  public var architecture: Architecture
  public var vocabularySize: Int
  public var hiddenSize: Int
  public var embeddingSize: Int
  public var layerCount: Int
  public var headCount: Int
  public var intermediateSize: Int
  public var positionCount: Int
  public var tokenTypeCount: Int
  public var activation: Activation
  public var layerNormEpsilon: Float
  public var hiddenDropout: Float
  public var attentionDropout: Float
  /// Dropout before the classifier; nil means `hiddenDropout`.
  public var classifierDropout: Float?
  public var padTokenID: Int
  public var initializerRange: Float
  /// Label names by id; empty when the configuration has no head.
  public var labels: [String]

  public var headSize: Int { hiddenSize / headCount }

  /// Reads the fields of a Hugging Face `config.json`.
  ///
  /// - Throws: `config.invalid` for a missing or impossible field,
  ///   `config.unsupported` for an unknown architecture, activation or position type.
  public init(json: JSONValue) throws(CoreError) {
    guard let fields = json.objectValue else {
      throw CoreError(.configInvalid, "config.json must hold an object")
    }
    let reader = ConfigurationReader(fields: fields)
    architecture = try reader.architecture()
    try reader.requireAbsolutePositions()
    vocabularySize = try reader.positive("vocab_size")
    hiddenSize = try reader.positive("hidden_size")
    embeddingSize = try reader.positive("embedding_size", default: hiddenSize)
    layerCount = try reader.positive("num_hidden_layers")
    headCount = try reader.positive("num_attention_heads")
    intermediateSize = try reader.positive("intermediate_size")
    positionCount = try reader.positive("max_position_embeddings")
    tokenTypeCount = try reader.positive("type_vocab_size")
    activation = try reader.activation("hidden_act")
    layerNormEpsilon = try reader.epsilon("layer_norm_eps")
    hiddenDropout = try reader.probability("hidden_dropout_prob", default: 0.1)
    attentionDropout = try reader.probability("attention_probs_dropout_prob", default: 0.1)
    classifierDropout = try reader.optionalProbability("classifier_dropout")
    padTokenID = fields["pad_token_id"]?.intValue ?? 0
    initializerRange = Float(fields["initializer_range"]?.doubleValue ?? 0.02)
    labels = try reader.labels()
    if hiddenSize % headCount != 0 {
      throw CoreError(
        .configInvalid, "hidden_size \(hiddenSize) is not a multiple of \(headCount) heads")
    }
  }
}

/// Field access with errors that name the field.
private struct ConfigurationReader {
  let fields: JSONObject

  /// Largest extent accepted, far above any published model.
  private static let extentLimit = 1 << 28

  func architecture() throws(CoreError) -> Architecture {
    guard let name = fields["model_type"]?.stringValue else {
      throw CoreError(.configInvalid, "model_type is missing")
    }
    guard let known = Architecture(rawValue: name) else {
      throw CoreError(.configUnsupported, "model_type '\(name)' is not supported")
    }
    return known
  }

  func requireAbsolutePositions() throws(CoreError) {
    if let kind = fields["position_embedding_type"]?.stringValue, kind != "absolute" {
      throw CoreError(.configUnsupported, "position_embedding_type '\(kind)' is not supported")
    }
  }

  func positive(_ name: String, default fallback: Int? = nil) throws(CoreError) -> Int {
    guard let field = fields[name] else {
      if let fallback { return fallback }
      throw CoreError(.configInvalid, "\(name) is missing")
    }
    guard let number = field.intValue, number > 0, number <= Self.extentLimit else {
      throw CoreError(.configInvalid, "\(name) must be a positive whole number")
    }
    return number
  }

  func activation(_ name: String) throws(CoreError) -> Activation {
    guard let text = fields[name]?.stringValue else {
      throw CoreError(.configInvalid, "\(name) is missing")
    }
    guard let known = Activation(configName: text) else {
      throw CoreError(.configUnsupported, "\(name) '\(text)' is not supported")
    }
    return known
  }

  func epsilon(_ name: String) throws(CoreError) -> Float {
    guard let number = fields[name]?.doubleValue, number > 0, number < 1 else {
      throw CoreError(.configInvalid, "\(name) must be a number between 0 and 1")
    }
    return Float(number)
  }

  func probability(_ name: String, default fallback: Float) throws(CoreError) -> Float {
    try optionalProbability(name) ?? fallback
  }

  func optionalProbability(_ name: String) throws(CoreError) -> Float? {
    guard let field = fields[name], field != .null else { return nil }
    guard let number = field.doubleValue, number >= 0, number < 1 else {
      throw CoreError(.configInvalid, "\(name) must be at least 0 and below 1")
    }
    return Float(number)
  }

  func labels() throws(CoreError) -> [String] {
    if let map = fields["id2label"]?.objectValue {
      var names: [String] = []
      for id in 0..<map.count {
        guard let name = map[String(id)]?.stringValue else {
          throw CoreError(.configInvalid, "id2label does not name every label from 0")
        }
        names.append(name)
      }
      return names
    }
    let count = try fields["num_labels"] == nil ? 0 : positive("num_labels")
    return (0..<count).map { "LABEL_\($0)" }
  }
}
