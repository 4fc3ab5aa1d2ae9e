import CTKCore

/// A `vocab.txt` file: one token a line, whose id is the line's number from 0.
enum VocabularyFile {
  private static let supportedClasses = ["Bert", "DistilBert", "Electra", "MobileBert"]

  static func tokenizer(
    _ path: String, settings: TokenizerSettings
  ) throws(TextError) -> WordPieceTokenizer {
    try checkClass(settings.tokenizerClass)
    let bytes = try TextError.wrap { () throws(CoreError) in try readSmallFile(path) }
    let vocabulary = try read(bytes)
    let special = SpecialTokens(settings.specialTokens, vocabulary, settings.addedTokens)
    let templates = SequenceTemplate.bert(
      cls: try special.requiredID(.cls), sep: try special.requiredID(.sep))
    return WordPieceTokenizer(
      normalizer: BertNormalizer(settings.normalization),
      model: try WordPiece(vocabulary: vocabulary, unknownToken: special.name(.unknown)),
      addedTokens: try AddedTokenCheck.checked(special.allTokens, against: vocabulary),
      padTokenID: Int(try special.requiredID(.pad)), single: templates.single,
      pair: templates.pair)
  }

  /// Reads the lines; a carriage return before the line feed does not belong to the token, and
  /// blank lines only count.
  private static func read(_ bytes: [UInt8]) throws(TextError) -> Vocabulary {
    var builder = VocabularyBuilder()
    for (id, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let token = line.last == 0x0D ? line.dropLast() : line
      if token.isEmpty { continue }
      guard String(validating: token, as: UTF8.self) != nil else {
        throw TextError(.vocabularyInvalid, "line \(id + 1) is not UTF-8")
      }
      try builder.insert(token, id: id)
    }
    return builder.finish()
  }

  private static func checkClass(_ name: String?) throws(TextError) {
    guard let name else { return }
    let family = name.replacing("TokenizerFast", with: "").replacing("Tokenizer", with: "")
    if !supportedClasses.contains(family) {
      throw TextError(
        .tokenizerUnsupported,
        "the tokenizer class is '\(name)', only WordPiece tokenizers are supported",
        hint: "the class is named in tokenizer_config.json")
    }
  }
}
