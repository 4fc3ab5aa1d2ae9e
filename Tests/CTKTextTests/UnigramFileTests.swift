import CTKCore
import CTKTestSupport
import CTKText
import Testing

@Suite("Unigram files", .tags(.format, .hostile))
struct UnigramFileTests {
  static let sound = #"""
    {"added_tokens": [{"id": 9, "content": "<x>", "lstrip": true, "normalized": true}],
    "normalizer": {"type": "Sequence", "normalizers": [
    {"type": "Replace", "pattern": {"String": "``"}, "content": "\""}, {"type": "NFKD"},
    {"type": "StripAccents"}, {"type": "Lowercase"},
    {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    {"type": "Strip", "strip_left": false, "strip_right": true}]},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always",
    "split": true}, "post_processor": null,
    "model": {"type": "Unigram", "unk_id": 1, "byte_fallback": false, "vocab": [["<pad>", 0.0],
    ["<unk>", 0.0], ["\u2581", -2.0], ["a", -3.0], ["\u2581ab", -2.5], ["b", -3.5], ["fi", -4.0],
    ["\"", -4.5], ["\u1112\u1161", -5.0]]}}
    """#

  static let broken = [
    BrokenDocument(#""type": "NFKD""#, #""type": "NFX""#, "text.tokenizer-unsupported"),
    BrokenDocument(" {2,}", "a+", "text.tokenizer-unsupported"),
    BrokenDocument(#""always""#, #""sometimes""#, "text.tokenizer-unsupported"),
    BrokenDocument(#""replacement": "\u2581""#, #""replacement": """#, "text.tokenizer-malformed"),
    BrokenDocument(
      #"{"type": "NFKD"}"#, #"{"type": "Precompiled", "precompiled_charsmap": "*"}"#,
      "text.tokenizer-malformed"),
    BrokenDocument(
      #"{"type": "NFKD"}"#, #"{"type": "Precompiled", "precompiled_charsmap": "/////w=="}"#,
      "text.tokenizer-malformed"),
    BrokenDocument(#"["a", -3.0]"#, #"["a"]"#, "text.tokenizer-malformed"),
    BrokenDocument(#"["a", -3.0]"#, #"["b", -3.0]"#, "text.vocabulary-duplicate"),
    BrokenDocument(#""unk_id": 1"#, #""unk_id": 99"#, "text.vocabulary-invalid"),
    BrokenDocument(#""unk_id": 1"#, #""unk_id": null"#, "text.special-token-missing"),
  ]

  private static func load(_ document: String) throws -> any Tokenizer {
    let folder = TemporaryFolder()
    try folder.write("tokenizer.json", Array(document.utf8))
    return try TokenizerFolder.load(folder.path)
  }

  @Test(
    "Ids of tokenizers 0.23.3",
    arguments: [
      ("AB  b\u{E1} ", [4, 2, 5, 3]), ("\u{FB01}``zz a", [2, 6, 7, 1, 2, 3]),
      ("a<X> \u{D558}", [2, 3, 9, 2, 8]), ("", []), ("a \u{212B}b\u{3000}", [2, 3, 4]),
      ("z\u{323}\u{301}y a", [2, 1, 2, 3]),
    ] as [(String, [Int32])])
  func recordedIDs(_ text: String, _ ids: [Int32]) throws {
    #expect(try Self.load(Self.sound).encode(text).inputIDs == ids)
  }

  @Test("A broken tokenizer.json is refused", arguments: broken)
  func brokenDocument(_ broken: BrokenDocument) throws {
    try #require(Self.sound.contains(broken.found))
    #expect {
      try Self.load(Self.sound.replacing(broken.found, with: broken.replacement))
    } throws: {
      ($0 as? TextError)?.code == broken.code
    }
  }

  @Test("Marks in any number take no quadratic time", .timeLimit(.minutes(1)))
  func longRunOfMarks() throws {
    let document = Self.sound.replacing("StripAccents", with: "NFC")
    let marks = String(repeating: "\u{301}\u{323}", count: 200_000)
    #expect(try Self.load(document).encode("a" + marks).inputIDs == [2, 1])
  }
}
