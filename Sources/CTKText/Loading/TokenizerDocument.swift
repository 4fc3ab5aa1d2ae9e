import CTKCore

/// A `tokenizer.json` file.
struct TokenizerDocument {
  private let root: JSONSection

  init(_ json: JSONValue) throws(TextError) {
    root = try JSONSection(json, name: "")
  }

  /// Builds the tokenizer that the file describes.
  func tokenizer(settings: TokenizerSettings) throws(TextError) -> any Tokenizer {
    let stages = PipelineStages(
      normalizer: try NormalizerReader.normalizer(root),
      preTokenizer: try PreTokenizerReader.preTokenizer(root),
      templates: try TemplateReader(root).templates())
    let model = try root.section("model")
    let type = try model.string("type", default: Self.impliedType(model))
    if type != "BPE" && stages.preTokenizer.isByteLevel {
      throw TextError(
        .tokenizerUnsupported, "'pre_tokenizer' is 'ByteLevel', 'model' is '\(type)'",
        hint: "the byte-level alphabet goes with 'BPE'")
    }
    switch type {
    case "WordPiece":
      return try tokenizer(stages, ModelReader.wordPiece(model), settings)
    case "BPE":
      let bytePairs = try ModelReader.bytePairs(
        model, isByteLevel: stages.preTokenizer.isByteLevel)
      return try tokenizer(stages, bytePairs, settings)
    case "Unigram":
      return try tokenizer(stages, ModelReader.unigram(model), settings)
    default:
      throw model.unsupported(type)
    }
  }

  private func tokenizer(
    _ stages: PipelineStages, _ model: some SubwordModel, _ settings: TokenizerSettings
  ) throws(TextError) -> any Tokenizer {
    let addedTokens = try addedTokens()
    let special = SpecialTokens(
      try specialNames(settings), .bracketed, model.vocabulary, addedTokens)
    return PipelineTokenizer(
      stages, model: model,
      addedTokens: try AddedTokenCheck.checked(addedTokens, against: model.vocabulary),
      padTokenID: try special.padID())
  }

  /// The model type of old files, which do not name it.
  private static func impliedType(_ model: JSONSection) -> String {
    if model.object["merges"] != nil { return "BPE" }
    return model.object["vocab"]?.arrayValue == nil ? "WordPiece" : "Unigram"
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
}
