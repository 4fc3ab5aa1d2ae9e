import CTKCore
import CTKTestSupport
import CTKText
import Testing

/// Recorded lines against the folders whose tokenizer gave them.
struct ParitySource: Sendable, CustomTestStringConvertible {
  let folder: String
  let lines: String
  let lineCount: Int

  var testDescription: String { folder }

  static let all = [
    ParitySource(
      folder: "checkpoints/bert/pt", lines: "checkpoints/bert/tokenization.jsonl", lineCount: 300),
    ParitySource(
      folder: "checkpoints/electra/pt", lines: "checkpoints/electra/tokenization.jsonl",
      lineCount: 300),
    ParitySource(
      folder: "text/added-tokens", lines: "text/added-tokens/expected.jsonl", lineCount: 400),
    ParitySource(
      folder: "text/added-tokens-cased", lines: "text/added-tokens-cased/expected.jsonl",
      lineCount: 400),
    ParitySource(
      folder: "checkpoints/roberta/pt", lines: "checkpoints/roberta/tokenization.jsonl",
      lineCount: 300),
    ParitySource(
      folder: "text/bpe-prefix-space", lines: "text/bpe-prefix-space/expected.jsonl",
      lineCount: 120),
    ParitySource(
      folder: "text/bpe-whole-words", lines: "text/bpe-whole-words/expected.jsonl",
      lineCount: 120),
    ParitySource(
      folder: "text/bpe-suffix", lines: "text/bpe-suffix/expected.jsonl",
      lineCount: 120),
    ParitySource(
      folder: "text/bpe-fallback", lines: "text/bpe-fallback/expected.jsonl",
      lineCount: 120),
    ParitySource(
      folder: "text/spm-xlnet", lines: "text/spm-xlnet/expected.jsonl", lineCount: 32),
    ParitySource(
      folder: "text/spm-xlm-roberta", lines: "text/spm-xlm-roberta/expected.jsonl", lineCount: 32),
    ParitySource(
      folder: "text/spm-camembert-bpe", lines: "text/spm-camembert-bpe/expected.jsonl",
      lineCount: 32),
  ]
}

@Suite("Ids of the fast tokenizer", .tags(.format))
struct FastTokenizerParityTests {
  @Test("Every recorded line", arguments: ParitySource.all)
  func recordedLines(_ source: ParitySource) throws {
    let tokenizer = try TokenizerFolder.load(Fixtures.path(source.folder))
    let cases = try TokenizationCase.all(source.lines)
    #expect(cases.count == source.lineCount)
    for line in cases {
      let found = tokenizer.encode(line.text, pair: line.pair, maxLength: line.maxLength)
      #expect(found == line.expected, "line \(line.line): \(line.text.debugDescription)")
    }
  }

  @Test(
    "The older files with their settings give what tokenizer.json gives",
    arguments: [
      ("bert", ["vocab.txt"]), ("electra", ["vocab.txt"]), ("bert-regression", ["vocab.txt"]),
      ("roberta", ["vocab.json", "merges.txt"]),
    ])
  func olderFiles(_ name: String, _ files: [String]) throws {
    let folder = Fixtures.path("checkpoints/\(name)/pt")
    let scratch = TemporaryFolder()
    for file in files + ["tokenizer_config.json", "special_tokens_map.json"] {
      try scratch.write(file, try readSmallFile("\(folder)/\(file)"))
    }
    let fromJSON = try TokenizerFolder.load(folder)
    let fromFiles = try TokenizerFolder.load(scratch.path)
    #expect(fromFiles.vocabularySize == fromJSON.vocabularySize)
    #expect(fromFiles.maxTokenID == fromJSON.maxTokenID)
    #expect(fromFiles.padTokenID == fromJSON.padTokenID)
    for source in ParitySource.all {
      for line in try TokenizationCase.all(source.lines) {
        #expect(
          fromFiles.encode(line.text, pair: line.pair, maxLength: line.maxLength)
            == fromJSON.encode(line.text, pair: line.pair, maxLength: line.maxLength),
          "\(source.lines):\(line.line)")
      }
    }
  }

  @Test func sizesAndSpecialTokens() throws {
    let bert = try TokenizerFolder.load(Fixtures.path("checkpoints/bert/pt"))
    #expect(bert.vocabularySize == 261)
    #expect(bert.maxTokenID == 260)
    #expect(bert.padTokenID == 0)
    #expect(bert.specialTokenCount(isPair: false) == 2)
    #expect(bert.specialTokenCount(isPair: true) == 3)
    let extended = try TokenizerFolder.load(Fixtures.path("text/added-tokens"))
    #expect(extended.vocabularySize == 75)
    #expect(extended.maxTokenID == 74)
  }
}
