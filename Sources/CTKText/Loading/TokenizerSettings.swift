import CTKCore

/// What `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json` say.
struct TokenizerSettings {
  private(set) var tokenizerClass: String?
  private(set) var normalization = BertNormalizer.Options()
  /// `do_lower_case`, whose default is not the same for all families.
  private(set) var statedLowercase: Bool?
  private(set) var keepsAccents = false
  private(set) var addsPrefixSpace = false
  private(set) var specialTokens: [SpecialTokens.Role: String] = [:]
  private(set) var addedTokens: [AddedToken] = []

  /// Nil for an unknown class, and where none is named.
  var family: TokenizerFamily? { tokenizerClass.flatMap(TokenizerFamily.init) }

  /// Refuses files that belong to another tokenizer than the class named here.
  ///
  /// - Throws: `text.tokenizer-unsupported`.
  func requireFamily(_ family: TokenizerFamily, of file: String) throws(TextError) {
    guard let tokenizerClass, TokenizerFamily(tokenizerClass) != family else { return }
    throw TextError(
      .tokenizerUnsupported,
      "the tokenizer class is '\(tokenizerClass)', for which '\(file)' is not supported",
      hint: "the class is named in tokenizer_config.json")
  }

  /// Reads the files that exist; none of them is required.
  init(folder: String) throws(TextError) {
    try read("special_tokens_map.json", in: folder) { settings, section throws(TextError) in
      try settings.readRoles(section)
    }
    try read("tokenizer_config.json", in: folder) { settings, section throws(TextError) in
      try settings.readRoles(section)
      try settings.readNormalization(section)
      try settings.readAddedTokens(section)
    }
    try read("added_tokens.json", in: folder) { settings, section throws(TextError) in
      try settings.readLegacyAddedTokens(section)
    }
  }

  private mutating func read(
    _ name: String, in folder: String,
    _ apply: (inout TokenizerSettings, JSONSection) throws(TextError) -> Void
  ) throws(TextError) {
    let path = folder + "/" + name
    guard Folder.fileExists(path) else { return }
    do {
      let json = try TextError.wrap { () throws(CoreError) in try JSONParser.parseFile(path) }
      try apply(&self, try JSONSection(json, name: ""))
    } catch {
      throw error.at(path)
    }
  }

  private mutating func readRoles(_ section: JSONSection) throws(TextError) {
    for role in SpecialTokens.Role.allCases {
      switch section.object[role.rawValue] {
      case nil, .null: continue
      case .string(let token): specialTokens[role] = token
      default: specialTokens[role] = try section.section(role.rawValue).string("content")
      }
    }
  }

  private mutating func readNormalization(_ section: JSONSection) throws(TextError) {
    if section.object["tokenizer_class"] != nil {
      tokenizerClass = try section.string("tokenizer_class", default: "")
    }
    normalization = BertNormalizer.Options(
      spacesIdeographs: try section.bool("tokenize_chinese_chars", default: true),
      stripsAccents: try section.optionalBool("strip_accents"),
      lowercases: try section.bool("do_lower_case", default: true))
    statedLowercase = try section.optionalBool("do_lower_case")
    keepsAccents = try section.bool("keep_accents", default: false)
    addsPrefixSpace = try section.bool("add_prefix_space", default: false)
  }

  private mutating func readAddedTokens(_ section: JSONSection) throws(TextError) {
    guard let decoder = try section.optionalSection("added_tokens_decoder") else { return }
    for key in decoder.object.keys {
      guard let id = Int(key) else {
        throw TextError(
          .tokenizerMalformed, "'\(decoder.path(key))': expected a token id as the key")
      }
      addedTokens.append(try AddedToken(decoder.section(key), id: id))
    }
  }

  private mutating func readLegacyAddedTokens(_ section: JSONSection) throws(TextError) {
    let known = Set(addedTokens.map { Array($0.content.utf8) })
    for token in section.object.keys where !known.contains(Array(token.utf8)) {
      let id = try AddedToken.checkedID(section.int(token), of: token)
      addedTokens.append(AddedToken(content: token, id: id, matchesNormalized: true))
    }
  }
}

extension AddedToken {
  /// Reads the form that `tokenizer.json` and `tokenizer_config.json` share.
  init(_ section: JSONSection, id: Int) throws(TextError) {
    let content = try section.string("content")
    self.init(
      content: content, id: try Self.checkedID(id, of: content),
      isSingleWord: try section.bool("single_word", default: false),
      stripsLeft: try section.bool("lstrip", default: false),
      stripsRight: try section.bool("rstrip", default: false),
      matchesNormalized: try section.bool("normalized", default: false))
  }

  static func checkedID(_ id: Int, of content: String) throws(TextError) -> Int32 {
    guard let id = Int32(exactly: id), id >= 0 else {
      throw TextError(
        .vocabularyInvalid, "the token '\(content)' has the id \(id), outside 0...\(Int32.max)")
    }
    return id
  }
}
