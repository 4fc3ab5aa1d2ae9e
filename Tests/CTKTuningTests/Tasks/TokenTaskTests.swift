import CTKCore
import CTKModel
import CTKTestSupport
import CTKText
import CTKTuning
import Testing

@Suite(.tags(.format))
struct TokenTaskTests {
  private let folder = TemporaryFolder()

  private func task(_ train: String, dev: String? = nil) throws -> TokenTask {
    try folder.write("train.conll", Array(train.utf8))
    if let dev { try folder.write("dev.conll", Array(dev.utf8)) }
    return TokenTask(
      trainFile: folder.file("train.conll"), devFile: dev.map { _ in folder.file("dev.conll") })
  }

  private func code(_ train: String, labels: [String]? = nil) -> String? {
    do {
      _ = try task(train).read(labels: labels)
      return nil
    } catch {
      return (error as? TuningError)?.code
    }
  }

  @Test func sentencesOfWordsAndLabels() throws {
    let data = try task(
      "-DOCSTART- -X- O O\n\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n\nPeter NNP I-NP B-PER\r\n",
      dev: "EU\tB-ORG\nnew york\tO\n"
    ).read(labels: nil)
    #expect(data.labels == .tags(["B-ORG", "B-PER", "O"]))
    #expect(
      data.train == [
        Example(words: ["EU", "rejects"], tags: [0, 2]), Example(words: ["Peter"], tags: [1]),
      ])
    // Tabs separate columns where a line has one, so a word may hold a blank.
    #expect(data.dev == [Example(words: ["EU", "new york"], tags: [0, 2])])
  }

  @Test func badFilesAreRefused() {
    #expect(code("word\n") == "data.too-few-columns")
    #expect(code("\n\n") == "data.empty")
    #expect(code("word O\n", labels: ["B-x"]) == "data.label-unknown")
  }

  @Test func conll2003HasItsOwnLabels() throws {
    try folder.write("eng.train", Array("EU NNP I-NP I-ORG\n".utf8))
    try folder.write("eng.testa", Array("x NN I-NP O\n".utf8))
    let data = try TokenTask.conll2003(folder: folder.path).read(labels: nil)
    #expect(data.labels.names == TokenTask.conll2003Tags)
    #expect(data.train[0].label == .tags([4]))
    #expect(throws: TuningError.self) { try TokenTask.conll2003(folder: folder.file("none")) }
  }

  /// The first token of a word has its label; words that were cut off count as outside.
  @Test func wordsAreAlignedWithTheirTokens() throws {
    let tokenizer = try TokenizerFolder.load(Fixtures.path("checkpoints/bert/pt"))
    let words = ["the", "unaffable", "license"]
    let whole = tokenizer.encode(words: words, maxLength: nil)
    let cut = tokenizer.encode(words: words, maxLength: 4)
    let data = TokenizedDataset([whole, cut], tags: [[1, 2, 0], [1, 2, 0]])
    guard case .classes(let targets) = data.targets(0..<2) else { return }
    #expect(targets.count == data.tokenCount)
    #expect(targets.filter { $0 >= 0 } == [1, 2, 0, 1, 2])
    #expect(targets[0] == Targets.unlabelled && targets[1] == 1 && targets[2] == 2)
    let judge = Judge(labels: .tags(["O", "B-x", "I-x"]), metrics: [.entityRecall])
    let perfect: [[Float]] = (0..<2).map { example in
      let length = data.length(example)
      var logits = [Float](repeating: 0, count: 3 * length)
      for (word, piece) in data.firstPieces[example].enumerated() {
        if let piece { logits[3 * piece + data.tags[example][word]] = 1 }
      }
      return logits
    }
    #expect(judge.tags(perfect[0], of: data, example: 0) == [1, 2, 0])
    #expect(judge.tags(perfect[1], of: data, example: 1) == [1, 2, 0])
    #expect(judge.results(logits: perfect, of: data)[0].value == 1)
  }
}
