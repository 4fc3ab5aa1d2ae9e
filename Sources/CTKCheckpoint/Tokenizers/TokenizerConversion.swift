import CTKCore

/// One `tokenizer.json` made of a tokenizer's older files.
///
/// Nothing is guessed: a vocabulary whose letter case is not stated stays as it is.
struct TokenizerConversion {
  static let documentName = "tokenizer.json"

  /// Nil when the files do not say everything that it needs.
  private(set) var document: JSONValue?
  private(set) var findings: [String] = []

  /// - Throws: `import.tokenizer-invalid`, and the codes of reading files.
  init(
    _ files: [TokenizerFiles.File], _ architecture: Architecture
  ) throws(CheckpointError) {
    let byName = Dictionary(files.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let settings = try TokenizerSettings(byName)
    if let vocabulary = byName["vocab.txt"] {
      guard let lowercases = settings.lowercases else {
        findings = ["tokenizer_config.json does not say do_lower_case; vocab.txt was only copied"]
        return
      }
      let tokens = try Self.lines(vocabulary)
      document = try WordPieceDocument(
        tokens: tokens, settings: settings, lowercases: lowercases
      ).json
    } else if let vocabulary = byName["vocab.json"], let merges = byName["merges.txt"],
      architecture == .roberta
    {
      document = try BytePairDocument(
        vocabulary: try Self.vocabulary(vocabulary), merges: try Self.lines(merges),
        settings: settings
      ).json
    }
    if document != nil { findings = ["tokenizer.json was made of the tokenizer's other files"] }
  }

  /// Lines without their ends; a last empty one is none.
  private static func lines(_ file: TokenizerFiles.File) throws(CheckpointError) -> [String] {
    guard let text = String(validating: try file.bytes(), as: UTF8.self) else {
      throw CheckpointError(.tokenizerInvalid, "'\(file.name)' is not UTF-8")
    }
    // By line feeds alone: a token may be another line separator of Unicode.
    var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      String(Substring(line.last == 0x0D ? line.dropLast() : line))
    }
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  private static func vocabulary(
    _ file: TokenizerFiles.File
  ) throws(CheckpointError) -> JSONObject {
    let bytes = try file.bytes()
    let json = try CheckpointError.wrap { () throws(CoreError) in try JSONParser.parse(bytes) }
    guard let object = json.objectValue else {
      throw CheckpointError(.tokenizerInvalid, "'\(file.name)' must hold an object of token ids")
    }
    return object
  }
}

/// What `tokenizer_config.json` and `special_tokens_map.json` state.
struct TokenizerSettings {
  private(set) var lowercases: Bool?
  private(set) var stripsAccents: JSONValue = .null
  private(set) var spacesIdeographs = true
  private(set) var addsPrefixSpace = false
  private(set) var trimsOffsets = true
  private var roles: [String: JSONValue] = [:]

  private static let roleNames = [
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
  ]

  init(_ files: [String: TokenizerFiles.File]) throws(CheckpointError) {
    for name in ["special_tokens_map.json", "tokenizer_config.json"] {
      guard let file = files[name] else { continue }
      let bytes = try file.bytes()
      let json = try CheckpointError.wrap { () throws(CoreError) in try JSONParser.parse(bytes) }
      for role in Self.roleNames {
        // The map describes a token in full where the configuration may only name it.
        if let token = json[role], token != .null, roles[role] == nil { roles[role] = token }
      }
      lowercases = json["do_lower_case"]?.boolValue ?? lowercases
      stripsAccents = json["strip_accents"] ?? stripsAccents
      spacesIdeographs = json["tokenize_chinese_chars"]?.boolValue ?? spacesIdeographs
      addsPrefixSpace = json["add_prefix_space"]?.boolValue ?? addsPrefixSpace
      trimsOffsets = json["trim_offsets"]?.boolValue ?? trimsOffsets
    }
  }

  /// The token of a role, as the configuration describes it.
  func token(_ role: String, default fallback: SpecialToken) -> SpecialToken {
    guard let token = roles[role] else { return fallback }
    if let name = token.stringValue {
      var named = fallback
      named.content = name
      return named
    }
    return SpecialToken(
      content: token["content"]?.stringValue ?? fallback.content,
      stripsLeft: token["lstrip"]?.boolValue ?? fallback.stripsLeft,
      isNormalized: token["normalized"]?.boolValue ?? fallback.isNormalized)
  }
}

/// A token that is found in the text before anything else.
struct SpecialToken: Equatable {
  var content: String
  var stripsLeft = false
  var isNormalized = false

  func json(id: Int) -> JSONValue {
    [
      "id": .integer(id), "content": .string(content), "single_word": false,
      "lstrip": .bool(stripsLeft), "rstrip": false, "normalized": .bool(isNormalized),
      "special": true,
    ]
  }

  /// Descriptions of tokens with their ids, by id, each once.
  static func list(
    _ tokens: [SpecialToken], id: (String) -> Int?
  ) throws(CheckpointError) -> JSONValue {
    var byID: [Int: SpecialToken] = [:]
    for token in tokens { byID[try required(token.content, id)] = token }
    return .array(byID.sorted { $0.key < $1.key }.map { $0.value.json(id: $0.key) })
  }

  static func required(
    _ content: String, _ id: (String) -> Int?
  ) throws(CheckpointError) -> Int {
    guard let id = id(content) else {
      throw CheckpointError(
        .tokenizerInvalid, "the vocabulary has no special token '\(content)'",
        hint: "name the special tokens in tokenizer_config.json")
    }
    return id
  }
}
