import CTKCore
import CTKTestSupport
import CTKText

extension FuzzTarget {
  /// A `tokenizer.json` of any model type.
  public static let tokenizer = FuzzTarget(
    name: "tokenizer",
    make: { generator in
      var bytes = documents.randomElement(using: &generator) ?? []
      Mutation(tokens: documentTokens).apply(to: &bytes, using: &generator)
      return bytes
    }, fileName: "tokenizer.json", read: readTokenizer)

  /// A unigram model of SentencePiece.
  public static let sentencePiece = FuzzTarget(
    name: "sentence-piece",
    make: { generator in
      var bytes = seed("spm-xlnet/spiece.model")
      Mutation(tokens: messageTokens).apply(to: &bytes, using: &generator)
      return bytes
    }, fileName: "spiece.model", read: readTokenizer)

  /// A byte-pair model of SentencePiece.
  public static let sentencePieceMerges = FuzzTarget(
    name: "sentence-piece-merges",
    make: { generator in
      var bytes = seed("spm-camembert-bpe/sentencepiece.bpe.model")
      Mutation(tokens: messageTokens).apply(to: &bytes, using: &generator)
      return bytes
    }, fileName: "sentencepiece.bpe.model",
    read: { path in
      let settings = Output.parentFolder(of: path) + "/tokenizer_config.json"
      if !Folder.fileExists(settings) {
        var file = try AtomicFile(path: settings)
        try file.write(seed("spm-camembert-bpe/tokenizer_config.json"))
        try file.commit()
      }
      try readTokenizer(path)
    })
}

/// Loads the tokenizer and encodes a text that reaches most of its parts.
@Sendable private func readTokenizer(_ path: String) throws {
  let tokenizer = try TokenizerFolder.load(Output.parentFolder(of: path))
  let text = "The license  of\u{3000}\u{E9}t\u{E9} e\u{301} 19, <mask> ``x'' \u{4E2D}\u{1F600}"
  let encoding = tokenizer.encode(text, pair: "a b", maxLength: 24)
  guard encoding.inputIDs.allSatisfy({ (0...tokenizer.maxTokenID).contains(Int($0)) }) else {
    throw WrongIDs()
  }
}

/// Ids outside those that a tokenizer declares.
private struct WrongIDs: Error {}

// MARK: Seeds

private func seed(_ name: String) -> [UInt8] {
  (try? readSmallFile(Fixtures.path("text/" + name))) ?? []
}

private let documents: [[UInt8]] =
  ["bpe-suffix", "bpe-fallback", "bpe-prefix-space", "added-tokens"]
  .map { seed($0 + "/tokenizer.json") }.filter { !$0.isEmpty }

private let documentTokens: [[UInt8]] = [
  "null", "true", "-1", "1e300", "{}", "[]", "\"Unigram\"", "\"WordPiece\"", "\"BPE\"",
  "\"Sequence\"", "\"Metaspace\"", "\"ByteLevel\"", "\"NFKC\"", "\\ud800", "\\u0000",
  "2147483647", "4294967296", "\"unk_id\":",
].map { Array($0.utf8) }

private let messageTokens: [[UInt8]] = [
  [0x0A, 0], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x12, 2, 0x18, 2],
  [0x15, 0, 0, 0xC0, 0x7F], [0x15, 0, 0, 0x80, 0xFF], [0x18, 4], [0x18, 0xFF, 1], [0x1A, 0],
  [0x1A, 2, 0x12, 0], [0xC0, 2, 5],
]
