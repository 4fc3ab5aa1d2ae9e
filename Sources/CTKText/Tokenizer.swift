/// A model's input for one text or one pair of texts, without padding.
public struct Encoding: Sendable, Equatable {
  public var inputIDs: [Int32]
  /// Segment of each id; as long as `inputIDs`.
  public var tokenTypeIDs: [Int32]

  public init(inputIDs: [Int32], tokenTypeIDs: [Int32]) {
    self.inputIDs = inputIDs
    self.tokenTypeIDs = tokenTypeIDs
  }
}

/// The ids of a text's words, and where each word's first one is.
public struct WordEncoding: Sendable, Equatable {
  public var encoding: Encoding
  /// Place of each word's first id among `inputIDs`; nil for a word that was cut off or that
  /// has no ids.
  public var firstPieces: [Int?]

  public init(encoding: Encoding, firstPieces: [Int?]) {
    self.encoding = encoding
    self.firstPieces = firstPieces
  }
}

/// Turns text into the token ids that a pretrained model was trained on.
public protocol Tokenizer: Sendable {
  /// Number of distinct tokens, added ones included.
  var vocabularySize: Int { get }
  /// Largest id that `encode` can give; a model needs more embedding rows than that.
  var maxTokenID: Int { get }
  var padTokenID: Int { get }

  /// Ids that are added around one text or a pair, such as `[CLS]` and `[SEP]`.
  func specialTokenCount(isPair: Bool) -> Int

  /// Encodes one text or a pair.
  ///
  /// - Parameters:
  ///   - pair: the second text; an empty one counts as none.
  ///   - maxLength: ids to give at most, special tokens included. A pair loses ids from its
  ///     longer side first. Special tokens always stay, so a bound below
  ///     `specialTokenCount(isPair:)` gives just those.
  func encode(_ text: String, pair: String?, maxLength: Int?) -> Encoding

  /// Encodes a text that is split into words already.
  ///
  /// Each word is encoded as if a space came before it.
  /// - Parameter maxLength: ids to give at most, special tokens included.
  func encode(words: [String], maxLength: Int?) -> WordEncoding
}

extension Tokenizer {
  public func encode(_ text: String, pair: String? = nil) -> Encoding {
    encode(text, pair: pair, maxLength: nil)
  }
}
