import CTKCore
import CTKTestSupport
import CTKText
import Testing

@Suite("Byte-pair files", .tags(.format, .hostile))
struct BytePairFileTests {
  static let sound = #"""
    {"added_tokens": [], "normalizer": null, "post_processor": null,
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "byte_fallback": false,
    "vocab": {"<pad>": 0, "<unk>": 1, "a": 2, "b": 3, "ab": 4, "\u0120": 5, "\u0120ab": 6},
    "merges": [["a", "b"], ["\u0120", "ab"]]}}
    """#

  static let broken = [
    BrokenDocument(#""type": "BPE","#, #""type": "bpe","#, "text.tokenizer-unsupported"),
    BrokenDocument(#""dropout": null"#, #""dropout": 0.1"#, "text.tokenizer-unsupported"),
    BrokenDocument(
      #""byte_fallback": false"#, #""byte_fallback": true"#, "text.tokenizer-unsupported"),
    BrokenDocument(
      #""dropout": null"#, #""end_of_word_suffix": "x""#, "text.tokenizer-unsupported"),
    BrokenDocument(#""unk_token": "<unk>""#, #""unk_token": "?""#, "text.special-token-missing"),
    BrokenDocument(#""<pad>": 0"#, #""c": 0"#, "text.special-token-missing"),
    BrokenDocument(#"["a", "b"]"#, #"["a", "c"]"#, "text.merge-invalid"),
    BrokenDocument(#"["a", "b"]"#, #"["b", "a"]"#, "text.merge-invalid"),
    BrokenDocument(#"["a", "b"]"#, #"["a", "b", "a"]"#, "text.merge-invalid"),
    BrokenDocument(#"["a", "b"]"#, #""a b a""#, "text.merge-invalid"),
    BrokenDocument(#"["a", "b"]"#, "7", "text.merge-invalid"),
    BrokenDocument(#""merges": [["#, #""mergers": [["#, "text.tokenizer-malformed"),
    BrokenDocument(
      #"{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"#,
      #"""
      {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "BertPreTokenizer"}]}
      """#, "text.tokenizer-unsupported"),
    BrokenDocument(
      #""post_processor": null"#,
      #"""
      "post_processor": {"type": "Sequence", "processors": [
      {"type": "RobertaProcessing", "sep": ["<pad>", 0], "cls": ["<pad>", 0]},
      {"type": "BertProcessing", "sep": ["<pad>", 0], "cls": ["<pad>", 0]}]}
      """#, "text.tokenizer-unsupported"),
  ]

  private static func load(_ files: KeyValuePairs<String, String>) throws -> any Tokenizer {
    let folder = TemporaryFolder()
    for (name, text) in files { try folder.write(name, Array(text.utf8)) }
    return try TokenizerFolder.load(folder.path)
  }

  @Test func soundDocument() throws {
    let tokenizer = try Self.load(["tokenizer.json": Self.sound])
    #expect(tokenizer.encode("ab abz").inputIDs == [4, 6, 1])
    #expect(tokenizer.padTokenID == 0)
    let older = Self.sound.replacing(#"["a", "b"]"#, with: #""a b""#)
    #expect(try Self.load(["tokenizer.json": older]).encode("ab").inputIDs == [4])
  }

  @Test("A broken tokenizer.json is refused", arguments: broken)
  func brokenDocument(_ broken: BrokenDocument) throws {
    try #require(Self.sound.contains(broken.found))
    let text = Self.sound.replacing(broken.found, with: broken.replacement)
    #expect {
      try Self.load(["tokenizer.json": text])
    } throws: {
      ($0 as? TextError)?.code == broken.code
    }
  }

  @Test(
    "A broken vocab.json or merges.txt is refused",
    arguments: [
      ("[]", "a b", "text.tokenizer-malformed"),
      (#"{"a": 0, "b": 1}"#, "", "text.special-token-missing"),
      (#"{"<s>": 0, "</s>": 1, "<pad>": 2, "a": 3}"#, "#version: 0.2\na a", "text.merge-invalid"),
      (#"{"<s>": 0, "</s>": 1, "<pad>": 2, "a": 3}"#, "a", "text.merge-invalid"),
      (#"{"<s>": 0, "</s>": 1, "<pad>": 2, "a": 0}"#, "", "text.vocabulary-duplicate"),
    ])
  func brokenFiles(_ vocabulary: String, _ merges: String, _ code: String) {
    #expect {
      try Self.load(["vocab.json": vocabulary, "merges.txt": merges])
    } throws: {
      ($0 as? TextError)?.code == code
    }
  }

  @Test("Files of another model family are refused")
  func otherFamily() {
    #expect {
      try Self.load([
        "vocab.json": "{}", "merges.txt": "",
        "tokenizer_config.json": #"{"tokenizer_class": "GPT2Tokenizer"}"#,
      ])
    } throws: {
      ($0 as? TextError)?.code == "text.tokenizer-unsupported"
    }
  }

  @Test("A document with any byte changed loads or is refused")
  func mutatedDocument() throws {
    try MutatedDocument.check(Self.sound, seed: 15, encoding: "ab abz 12")
  }

  /// Merging a long word pair by pair must not look at all of it each time.
  @Test("A long word takes no quadratic time", .timeLimit(.minutes(1)))
  func longWord() throws {
    let tokenizer = try Self.load(["tokenizer.json": Self.sound])
    let text = String(repeating: "ab", count: 200_000)
    #expect(tokenizer.encode(text).inputIDs == [Int32](repeating: 4, count: 200_000))
  }
}
