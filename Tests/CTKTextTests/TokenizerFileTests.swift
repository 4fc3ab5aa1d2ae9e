import CTKCore
import CTKTestSupport
import CTKText
import Testing

/// A change to a sound tokenizer.json and the code it must give.
struct BrokenDocument: Sendable, CustomTestStringConvertible {
  let found: String
  let replacement: String
  let code: String

  var testDescription: String { "\(found) -> \(replacement)" }

  init(_ found: String, _ replacement: String, _ code: String) {
    self.found = found
    self.replacement = replacement
    self.code = code
  }

  static let sound = #"""
    {"version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 1, "content": "[UNK]", "special": true}],
    "normalizer": {"type": "BertNormalizer", "strip_accents": null, "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}}},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100, "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "a": 3}}}
    """#

  static let all = [
    BrokenDocument(#""type": "WordPiece""#, #""type": "WordLevel""#, "text.tokenizer-unsupported"),
    BrokenDocument("BertNormalizer", "ByteLevel", "text.tokenizer-unsupported"),
    BrokenDocument("BertPreTokenizer", "ByteLevel", "text.tokenizer-unsupported"),
    BrokenDocument("BertPreTokenizer", "Whitespace", "text.tokenizer-unsupported"),
    BrokenDocument("TemplateProcessing", "Template", "text.tokenizer-unsupported"),
    BrokenDocument(#"{"type": "BertPreTokenizer"}"#, "[]", "text.tokenizer-malformed"),
    BrokenDocument(#""lowercase": true"#, #""lowercase": 1"#, "text.tokenizer-malformed"),
    BrokenDocument(#""a": 3"#, #""a": "3""#, "text.tokenizer-malformed"),
    BrokenDocument(#""a": 3"#, #""a": -1"#, "text.vocabulary-invalid"),
    BrokenDocument(#""a": 3"#, #""a": 4294967296"#, "text.vocabulary-invalid"),
    BrokenDocument(#""a": 3"#, #""a": 2"#, "text.vocabulary-duplicate"),
    BrokenDocument(#""a": 3"#, #""[PAD]": 3"#, "json.duplicate-key"),
    BrokenDocument(#""id": 1"#, #""id": 3"#, "text.vocabulary-duplicate"),
    BrokenDocument(#""content": "[UNK]""#, #""content": """#, "text.vocabulary-invalid"),
    BrokenDocument(#""unk_token": "[UNK]""#, #""unk_token": "?""#, "text.special-token-missing"),
    BrokenDocument(#""[PAD]": 0"#, #""b": 0"#, "text.special-token-missing"),
    BrokenDocument(#""ids": [2]"#, #""ids": [-2]"#, "text.tokenizer-malformed"),
    BrokenDocument(
      #"{"id": "[CLS]", "type_id""#, #"{"id": "[X]", "type_id""#, "text.tokenizer-malformed"),
    BrokenDocument(#"{"id": "B""#, #"{"id": "A""#, "text.tokenizer-malformed"),
    BrokenDocument(#""model": {"#, #""other": {"#, "text.tokenizer-malformed"),
    BrokenDocument("}}}", "}}", "json.invalid"),
  ]
}

@Suite("Tokenizer files", .tags(.format, .hostile))
struct TokenizerFileTests {
  private static func code(_ files: KeyValuePairs<String, String>) throws -> String? {
    let folder = TemporaryFolder()
    for (name, text) in files { try folder.write(name, Array(text.utf8)) }
    do {
      _ = try TokenizerFolder.load(folder.path)
      return nil
    } catch {
      #expect(error.path?.hasPrefix(folder.path) == true)
      return error.code
    }
  }

  private static func tokenizer(
    _ files: KeyValuePairs<String, String>
  ) throws -> any Tokenizer {
    let folder = TemporaryFolder()
    for (name, text) in files { try folder.write(name, Array(text.utf8)) }
    return try TokenizerFolder.load(folder.path)
  }

  @Test func soundDocument() throws {
    let tokenizer = try Self.tokenizer(["tokenizer.json": BrokenDocument.sound])
    #expect(tokenizer.encode("A b", pair: nil, maxLength: nil).inputIDs == [2, 3, 1])
    #expect(tokenizer.encode("a", pair: "a", maxLength: nil).tokenTypeIDs == [0, 1])
  }

  @Test("A broken tokenizer.json is refused", arguments: BrokenDocument.all)
  func brokenDocument(_ broken: BrokenDocument) throws {
    try #require(BrokenDocument.sound.contains(broken.found))
    let text = BrokenDocument.sound.replacing(broken.found, with: broken.replacement)
    #expect(try Self.code(["tokenizer.json": text]) == broken.code)
  }

  @Test("Canonically equivalent tokens are different tokens")
  func equivalentTokens() throws {
    let document = BrokenDocument.sound
      .replacing(#""a": 3"#, with: #""\u00c5": 3, "\u212b": 4, "A\u030a": 5"#)
      .replacing(#""lowercase": true"#, with: #""lowercase": false"#)
    let tokenizer = try Self.tokenizer(["tokenizer.json": document])
    #expect(tokenizer.vocabularySize == 6)
    let text = "\u{C5} \u{212B} A\u{30A}"
    #expect(tokenizer.encode(text, pair: nil, maxLength: nil).inputIDs == [2, 3, 4, 5])
  }

  @Test func missingFiles() throws {
    #expect(try Self.code([:]) == "text.tokenizer-missing")
    #expect(try Self.code(["merges.txt": ""]) == "text.tokenizer-missing")
    #expect(try Self.code(["vocab.json": "{}"]) == "text.tokenizer-missing")
  }

  private static let lines = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nab\n##c\n"

  @Test("Line ends and blank lines of vocab.txt")
  func lineEnds() throws {
    for text in [
      Self.lines, Self.lines.replacing("\n", with: "\r\n"), Self.lines + "\n\n",
      String(Self.lines.dropLast()),
    ] {
      let tokenizer = try Self.tokenizer(["vocab.txt": text])
      #expect(tokenizer.vocabularySize == 6)
      #expect(tokenizer.encode("ABC [SEP] x").inputIDs == [2, 4, 5, 3, 1, 3])
    }
    let gap = try Self.tokenizer(["vocab.txt": Self.lines + "\nz\n"])
    #expect(gap.encode("z").inputIDs == [2, 7, 3])
    #expect(gap.vocabularySize == 7)
    #expect(gap.maxTokenID == 7)
  }

  @Test("Settings beside vocab.txt apply")
  func settings() throws {
    let cased = try Self.tokenizer([
      "vocab.txt": Self.lines, "tokenizer_config.json": #"{"do_lower_case": false}"#,
    ])
    #expect(cased.encode("ab AB").inputIDs == [2, 4, 1, 3])
    let added = try Self.tokenizer([
      "vocab.txt": Self.lines, "special_tokens_map.json": #"{"sep_token": {"content": "ab"}}"#,
      "added_tokens.json": #"{"NEW": 9}"#,
    ])
    #expect(added.encode("xNEWx").inputIDs == [2, 1, 9, 1, 4])
    #expect(added.maxTokenID == 9)
  }

  @Test("A broken vocab.txt is refused")
  func brokenVocabulary() throws {
    #expect(try Self.code(["vocab.txt": Self.lines + "ab\n"]) == "text.vocabulary-duplicate")
    #expect(
      try Self.code(["vocab.txt": Self.lines.replacing("[UNK]", with: "u")])
        == "text.special-token-missing")
    #expect(
      try Self.code(["vocab.txt": Self.lines.replacing("[SEP]", with: "s")])
        == "text.special-token-missing")
    #expect(
      try Self.code([
        "vocab.txt": Self.lines, "tokenizer_config.json": #"{"tokenizer_class": "GPT2Tokenizer"}"#,
      ]) == "text.tokenizer-unsupported")
    #expect(
      try Self.code([
        "vocab.txt": Self.lines, "tokenizer_config.json": #"{"do_lower_case": "yes"}"#,
      ]) == "text.tokenizer-malformed")
    let folder = TemporaryFolder()
    try folder.write("vocab.txt", Array(Self.lines.utf8) + [0xFF, 0x0A])
    #expect {
      try TokenizerFolder.load(folder.path)
    } throws: {
      ($0 as? TextError)?.code == "text.vocabulary-invalid"
    }
  }

  @Test("A tokenizer.json with any byte changed loads or is refused")
  func mutatedDocument() throws {
    try MutatedDocument.check(BrokenDocument.sound, seed: 14, encoding: "a b [CLS]")
  }
}
