/// What a `config.json` says about an encoder, with nothing guessed that would
/// change results.
public struct ModelConfiguration: Sendable, Equatable {
  public var architecture: Architecture
  public var vocabularySize: Int
  public var hiddenSize: Int
  /// Width of the embeddings; differs from `hiddenSize` only where a projection follows.
  public var embeddingSize: Int
  public var layerCount: Int
  public var headCount: Int
  public var intermediateSize: Int
  /// Rows of the position table; 0 for relative positions.
  public var positionCount: Int
  /// Row of the first token's position; the rows below belong to padding.
  public var firstPosition: Int
  /// Rows of the token type table; 0 for a family without one.
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
  /// XLNet's way from hidden states to a head; nil for the other families.
  public var summary: SequenceSummary?
  /// Relative distances are cut off at this one; nil for no limit.
  public var distanceLimit: Int?

  public var headSize: Int { hiddenSize / headCount }

  /// The most tokens of a sequence, special ones included; nil for no limit.
  public var lengthLimit: Int? { positionCount == 0 ? nil : positionCount - firstPosition }
}
