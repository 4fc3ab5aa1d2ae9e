/// The encoder families ctk knows by name.
public enum Architecture: String, Sendable, CaseIterable {
  case bert
  /// RoBERTa and the models that differ from it by their vocabulary only.
  case roberta
  case electra
  case xlnet
  case distilbert

  /// - Parameter modelType: `model_type` of a `config.json`.
  public init?(modelType: String) {
    switch modelType {
    case "xlm-roberta", "camembert": self = .roberta
    default: self.init(rawValue: modelType)
    }
  }
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

/// How one vector is made of a sequence's last hidden states.
public struct SequenceSummary: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case first
    case last
    case mean
  }

  public var kind: Kind
  /// Whether a dense layer of the hidden width follows.
  public var hasProjection: Bool
  /// Applied after the projection; nil for none.
  public var activation: Activation?
  /// Dropout after the activation.
  public var dropout: Float

  public init(kind: Kind, hasProjection: Bool, activation: Activation?, dropout: Float) {
    self.kind = kind
    self.hasProjection = hasProjection
    self.activation = activation
    self.dropout = dropout
  }
}
