/// The added tokens of a tokenizer, by the form of text in which they are found.
struct AddedVocabulary: Sendable {
  let raw: AddedTokenMatcher
  let normalized: AddedTokenMatcher

  init(_ tokens: [AddedToken], normalizer: BertNormalizer?) {
    raw = AddedTokenMatcher(
      tokens.filter { !$0.matchesNormalized }.map { ($0, Array($0.content.utf8)) })
    normalized = AddedTokenMatcher(
      tokens.filter(\.matchesNormalized).map { token in
        (token, Self.normalize(token.content, normalizer))
      })
  }

  private static func normalize(_ content: String, _ normalizer: BertNormalizer?) -> [UInt8] {
    var content = content
    guard let normalizer else { return Array(content.utf8) }
    var buffer = ByteBuffer()
    content.withUTF8 { normalizer.normalize($0, into: &buffer) }
    return Array(buffer.bytes)
  }
}
