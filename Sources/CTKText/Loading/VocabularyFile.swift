import CTKCore

/// A `vocab.txt` file: one token a line, whose id is the line's number from 0.
enum VocabularyFile {
  static func tokenizer(
    _ path: String, settings: TokenizerSettings
  ) throws(TextError) -> any Tokenizer {
    try settings.requireFamily(.bert, of: "vocab.txt")
    let bytes = try TextError.wrap { () throws(CoreError) in try readSmallFile(path) }
    let tokens = try tokens(of: bytes)
    var builder = VocabularyBuilder()
    for token in tokens { try builder.insert(token.bytes, id: Int(token.id)) }
    let vocabulary = builder.finish()
    let special = SpecialTokens(
      settings.specialTokens, .bracketed, vocabulary, settings.addedTokens)
    let stages = PipelineStages(
      normalizer: TextNormalizer(steps: [.bert(BertNormalizer(settings.normalization))]),
      preTokenizer: PreTokenizer(steps: [.bert(BertPreTokenizer())]),
      templates: .bert(
        cls: try special.requiredID(.cls), sep: try special.requiredID(.sep)))
    return PipelineTokenizer(
      stages,
      model: try WordPiece(
        vocabulary: vocabulary, tokens: tokens, unknownToken: special.name(.unknown) ?? ""),
      addedTokens: try AddedTokenCheck.checked(special.allTokens, against: vocabulary),
      padTokenID: try special.requiredID(.pad))
  }

  /// Reads the lines; a carriage return before the line feed does not belong to the token, and
  /// blank lines only count.
  private static func tokens(
    of bytes: [UInt8]
  ) throws(TextError) -> [(bytes: [UInt8], id: Int32)] {
    var tokens: [(bytes: [UInt8], id: Int32)] = []
    for (id, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let token = line.last == 0x0D ? line.dropLast() : line
      if token.isEmpty { continue }
      guard String(validating: token, as: UTF8.self) != nil else {
        throw TextError(.vocabularyInvalid, "line \(id + 1) is not UTF-8")
      }
      tokens.append((Array(token), Int32(id)))
    }
    return tokens
  }
}
