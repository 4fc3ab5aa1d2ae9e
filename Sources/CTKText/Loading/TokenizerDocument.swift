import CTKCore

/// A `tokenizer.json` file.
struct TokenizerDocument {
  private let root: JSONSection

  init(_ json: JSONValue) throws(TextError) {
    root = try JSONSection(json, name: "")
  }

  /// Builds the tokenizer that the file describes.
  func tokenizer(settings: TokenizerSettings) throws(TextError) -> WordPieceTokenizer {
    let model = try wordPiece()
    try checkPreTokenizer()
    let addedTokens = try addedTokens()
    let special = SpecialTokens(try specialNames(settings), model.vocabulary, addedTokens)
    let templates = try TemplateReader(root).templates()
    return WordPieceTokenizer(
      normalizer: try normalizer(), model: model,
      addedTokens: try AddedTokenCheck.checked(addedTokens, against: model.vocabulary),
      padTokenID: Int(try special.requiredID(.pad)),
      single: templates.single, pair: templates.pair)
  }

  private func wordPiece() throws(TextError) -> WordPiece {
    let model = try root.section("model")
    try expectType(of: model, "WordPiece", default: Self.impliedType(model))
    let tokens = try model.section("vocab")
    var builder = VocabularyBuilder()
    for (token, id) in tokens.object.members {
      guard let id = id.intValue else {
        throw TextError(
          .tokenizerMalformed, "'model.vocab': the id of '\(token)' is not a whole number")
      }
      try builder.insert(token.utf8, id: id)
    }
    let wordLimit = try model.int(
      "max_input_chars_per_word", default: WordPiece.defaultWordLimit)
    return try WordPiece(
      vocabulary: builder.finish(), unknownToken: try model.string("unk_token"),
      prefix: try model.string(
        "continuing_subword_prefix", default: WordPiece.defaultPrefix),
      wordLimit: wordLimit)
  }

  /// The model type of old files, which do not name it.
  private static func impliedType(_ model: JSONSection) -> String {
    if model.object["merges"] != nil { return "BPE" }
    return model.object["vocab"]?.arrayValue == nil ? "WordPiece" : "Unigram"
  }

  private func normalizer() throws(TextError) -> BertNormalizer? {
    guard let section = try root.optionalSection("normalizer") else { return nil }
    try expectType(of: section, "BertNormalizer")
    return BertNormalizer(
      BertNormalizer.Options(
        cleansText: try section.bool("clean_text", default: true),
        spacesIdeographs: try section.bool("handle_chinese_chars", default: true),
        stripsAccents: try section.optionalBool("strip_accents"),
        lowercases: try section.bool("lowercase", default: true)))
  }

  private func checkPreTokenizer() throws(TextError) {
    try expectType(of: try root.section("pre_tokenizer"), "BertPreTokenizer")
  }

  private func addedTokens() throws(TextError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    for (position, value) in try root.array("added_tokens", default: []).enumerated() {
      let section = try JSONSection(value, name: "added_tokens[\(position)]")
      tokens.append(try AddedToken(section, id: try section.int("id")))
    }
    return tokens
  }

  /// The names that the settings beside the file give, or else the padding section.
  private func specialNames(
    _ settings: TokenizerSettings
  ) throws(TextError) -> [SpecialTokens.Role: String] {
    var names = settings.specialTokens
    if names[.pad] == nil, let padding = try root.optionalSection("padding") {
      names[.pad] = try padding.string("pad_token")
    }
    return names
  }

  private func expectType(
    of section: JSONSection, _ expected: String, default fallback: String? = nil
  ) throws(TextError) {
    let type = try section.string("type", default: fallback)
    if type != expected {
      throw TextError(
        .tokenizerUnsupported,
        "'\(section.name)' is of type '\(type)', only '\(expected)' is supported",
        hint: "use a checkpoint with a WordPiece tokenizer, as BERT and ELECTRA have")
    }
  }
}
