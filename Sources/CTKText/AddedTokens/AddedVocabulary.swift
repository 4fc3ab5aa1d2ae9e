/// The added tokens of a tokenizer, by the form of text in which they are found.
struct AddedVocabulary: Sendable {
  let raw: AddedTokenMatcher
  let normalized: AddedTokenMatcher

  init(_ tokens: [AddedToken], normalizer: TextNormalizer) {
    raw = AddedTokenMatcher(
      tokens.filter { !$0.matchesNormalized }.map { ($0, Array($0.content.utf8)) })
    normalized = AddedTokenMatcher(
      tokens.filter(\.matchesNormalized).map { token in
        (token, Self.normalize(token.content, normalizer))
      })
  }

  private static func normalize(_ content: String, _ normalizer: TextNormalizer) -> [UInt8] {
    var content = content
    var scratch = NormalizerScratch()
    return content.withUTF8 { Array(normalizer.normalize($0, scratch: &scratch)) }
  }
}
