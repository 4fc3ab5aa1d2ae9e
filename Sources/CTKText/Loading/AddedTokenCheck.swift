import CTKCore

/// The agreement of added tokens with the vocabulary and with each other.
enum AddedTokenCheck {
  /// - Throws: `text.vocabulary-duplicate` where a token or an id has two meanings,
  ///   `text.vocabulary-invalid` where a token is empty.
  static func checked(
    _ tokens: [AddedToken], against vocabulary: Vocabulary
  ) throws(TextError) -> [AddedToken] {
    var seen: Set<[UInt8]> = []
    for token in tokens {
      if token.content.isEmpty {
        throw TextError(.vocabularyInvalid, "the added token with the id \(token.id) is empty")
      }
      if !seen.insert(Array(token.content.utf8)).inserted {
        throw TextError(
          .vocabularyDuplicate, "the token '\(token.content)' is added twice")
      }
      if let id = vocabulary.id(of: token.content), id != token.id {
        throw TextError(
          .vocabularyDuplicate,
          "the added token '\(token.content)' has the id \(token.id), in the vocabulary \(id)")
      }
    }
    return tokens
  }
}
