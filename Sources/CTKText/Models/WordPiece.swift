import CTKCore

/// Splits words into the longest pieces of a vocabulary, from left to right.
///
/// Pieces after a word's first carry the continuation prefix. A word with a part that no piece
/// covers, or with too many characters, is one unknown token.
struct WordPiece: SubwordModel {
  static let defaultPrefix = "##"
  static let defaultWordLimit = 100

  let vocabulary: Vocabulary
  /// Words that are one piece, found without a walk; most words of a text are.
  private let wholeWords: WordTable
  private let unknownID: Int32
  /// Characters of a word at most.
  private let wordLimit: Int
  /// Where continuations start in the trie; nil when no token carries the prefix.
  private let continuation: ByteTrie.Node?

  /// - Parameter tokens: the vocabulary's tokens with their ids.
  /// - Throws: `text.special-token-missing` when the vocabulary lacks the unknown token.
  init(
    vocabulary: Vocabulary, tokens: [(bytes: [UInt8], id: Int32)], unknownToken: String,
    prefix: String = defaultPrefix, wordLimit: Int = defaultWordLimit
  ) throws(TextError) {
    guard let id = vocabulary.id(of: unknownToken) else {
      throw TextError(
        .specialTokenMissing, "the vocabulary lacks the unknown token '\(unknownToken)'")
    }
    self.vocabulary = vocabulary
    wholeWords = WordTable(tokens)
    unknownID = id
    self.wordLimit = wordLimit
    continuation = vocabulary.trie.node(of: prefix.utf8)
  }

  func append(_ word: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
    if word.count > wordLimit && characterCount(word) > wordLimit {
      ids.append(unknownID)
      return
    }
    if let id = wholeWords.id(of: word) {
      ids.append(id)
      return
    }
    guard let first = vocabulary.trie.longestMatch(in: word, from: 0) else {
      ids.append(unknownID)
      return
    }
    let start = ids.count
    ids.append(first.id)
    var position = first.end
    while position < word.count {
      guard let continuation,
        let piece = vocabulary.trie.longestMatch(in: word, from: position, at: continuation)
      else {
        ids.removeSubrange(start...)
        ids.append(unknownID)
        return
      }
      ids.append(piece.id)
      position = piece.end
    }
  }

  private func characterCount(_ word: UnsafeBufferPointer<UInt8>) -> Int {
    word.count { $0 & 0xC0 != 0x80 }
  }
}
