import CTKCore

/// A SentencePiece model file as the only vocabulary of a folder.
enum SentencePieceFile {
  static let names = ["spiece.model", "sentencepiece.bpe.model"]

  static func tokenizer(
    _ path: String, settings: TokenizerSettings
  ) throws(TextError) -> any Tokenizer {
    let family = try family(path, settings)
    let bytes = try TextError.wrap { () throws(CoreError) in try readSmallFile(path) }
    let model = try SentencePieceModel(bytes)
    switch model.algorithm {
    case .unigram:
      let unigram = try Unigram(
        pieces: family.tokens(of: model), unknownID: family.unknownID(of: model),
        fallsBackToBytes: false)
      return try tokenizer(unigram, model, family, settings)
    case .bytePair:
      let bytePairs = try SentencePieceMerges(model, family).bytePairs()
      return try tokenizer(bytePairs, model, family, settings)
    case .word, .character:
      throw TextError(
        .tokenizerUnsupported, "the model cuts text into words or characters",
        hint: "ctk reads unigram and byte-pair models")
    }
  }

  /// The families differ in ids, and nothing in the file tells them apart.
  private static func family(
    _ path: String, _ settings: TokenizerSettings
  ) throws(TextError) -> SentencePieceFamily {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if let family = settings.family.flatMap(SentencePieceFamily.init) { return family }
    if settings.tokenizerClass == nil {
      if let family = try familyOfModel(Output.parentFolder(of: path)) { return family }
      if name == names[0] { return .xlnet }
    }
    let found = settings.tokenizerClass.map { "is '\($0)'" } ?? "is not given"
    throw TextError(
      .tokenizerUnsupported, "the tokenizer class \(found), which '\(name)' needs",
      hint: "name XLNetTokenizer, XLMRobertaTokenizer or CamembertTokenizer as tokenizer_class "
        + "in tokenizer_config.json, or add the tokenizer.json of the same model")
  }

  /// By the model's configuration beside the tokenizer.
  private static func familyOfModel(_ folder: String) throws(TextError) -> SentencePieceFamily? {
    let path = folder + "/config.json"
    guard Folder.fileExists(path) else { return nil }
    let json = try TextError.wrap { () throws(CoreError) in try JSONParser.parseFile(path) }
    switch json["model_type"]?.stringValue {
    case "xlnet": return .xlnet
    case "xlm-roberta": return .xlmRoberta
    case "camembert": return .camembert
    default: return nil
    }
  }

  private static func tokenizer(
    _ subwords: some SubwordModel, _ model: SentencePieceModel, _ family: SentencePieceFamily,
    _ settings: TokenizerSettings
  ) throws(TextError) -> any Tokenizer {
    let vocabulary = subwords.vocabulary
    let special = SpecialTokens(
      settings.specialTokens, family.defaults, vocabulary,
      addedTokens(model, family, vocabulary, settings))
    let stages = PipelineStages(
      normalizer: try family.normalizer(of: model, settings),
      preTokenizer: PreTokenizer(steps: [
        .metaspace(
          Metaspace(
            replacement: Array("\u{2581}".utf8),
            prepending: model.addsPrefixSpace ? .always : .never, splits: true))
      ]),
      templates: try family.templates(special))
    return PipelineTokenizer(
      stages, model: subwords,
      addedTokens: try AddedTokenCheck.checked(special.allTokens, against: vocabulary),
      padTokenID: try special.requiredID(.pad))
  }

  /// The tokens that the settings add, and the model's own that text may name.
  private static func addedTokens(
    _ model: SentencePieceModel, _ family: SentencePieceFamily, _ vocabulary: Vocabulary,
    _ settings: TokenizerSettings
  ) -> [AddedToken] {
    var tokens = settings.addedTokens
    let named = model.pieces.filter { $0.type == .control || $0.type == .userDefined }
    let mask = settings.specialTokens[.mask] ?? family.defaults.names[.mask]
    for text in named.map(\.text) + family.additionalTokens where text != mask {
      guard !tokens.contains(where: { $0.content.utf8.elementsEqual(text.utf8) }),
        let id = vocabulary.id(of: text)
      else { continue }
      tokens.append(AddedToken(content: text, id: id))
    }
    return tokens
  }
}
