import CTKCore

/// The tokens of a model and their ids, compared byte by byte.
struct Vocabulary: Sendable {
  let tokenCount: Int
  let maxID: Int
  let trie: ByteTrie

  func id(of token: String) -> Int32? { trie.id(of: token.utf8) }
}

/// Builder of a vocabulary that refuses repeated tokens and ids.
struct VocabularyBuilder {
  private var trie = ByteTrieBuilder()
  private var ids: Set<Int32> = []
  private var maxID: Int32 = -1

  /// - Throws: `text.vocabulary-duplicate`, `text.vocabulary-invalid`.
  mutating func insert(_ token: some Collection<UInt8>, id: Int) throws(TextError) {
    guard let id = Int32(exactly: id), id >= 0 else {
      throw TextError(
        .vocabularyInvalid, "the token '\(text(token))' has the id \(id), outside 0...\(Int32.max)")
    }
    guard trie.hasRoom(for: token.count) else {
      throw TextError(.vocabularyInvalid, "the vocabulary's tokens are too long altogether")
    }
    if let present = trie.insert(token, id: id) {
      throw TextError(
        .vocabularyDuplicate, "the token '\(text(token))' appears twice, as \(present) and \(id)")
    }
    guard ids.insert(id).inserted else {
      throw TextError(
        .vocabularyDuplicate, "the id \(id) is given twice, last to the token '\(text(token))'")
    }
    maxID = max(maxID, id)
  }

  func finish() -> Vocabulary {
    Vocabulary(tokenCount: ids.count, maxID: Int(maxID), trie: ByteTrie(trie))
  }

  private func text(_ token: some Collection<UInt8>) -> String {
    String(decoding: token, as: UTF8.self)
  }
}
