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
    "vocab.txt with its settings gives what tokenizer.json gives",
    arguments: ["bert", "electra", "bert-regression"])
  func vocabularyFile(_ name: String) throws {
    let folder = Fixtures.path("checkpoints/\(name)/pt")
    let scratch = TemporaryFolder()
    for file in ["vocab.txt", "tokenizer_config.json", "special_tokens_map.json"] {
      try scratch.write(file, try readSmallFile("\(folder)/\(file)"))
    }
    let fromJSON = try TokenizerFolder.load(folder)
    let fromText = try TokenizerFolder.load(scratch.path)
    #expect(fromText.vocabularySize == fromJSON.vocabularySize)
    #expect(fromText.maxTokenID == fromJSON.maxTokenID)
    #expect(fromText.padTokenID == fromJSON.padTokenID)
    for source in ParitySource.all {
      for line in try TokenizationCase.all(source.lines) {
        #expect(
          fromText.encode(line.text, pair: line.pair, maxLength: line.maxLength)
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
