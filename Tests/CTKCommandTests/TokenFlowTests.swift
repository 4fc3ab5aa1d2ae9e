import CTKCore
import CTKTestSupport
import Testing

/// Labelled words from data to patch and back.
@Suite(.tags(.cli))
struct TokenFlowTests {
  private static func sentences(_ count: Int) -> String {
    let words = [("license", "B-LAW"), ("class", "B-CODE"), ("value", "B-CODE"), ("work", "O")]
    return (0..<count).map { row in
      let (first, second) = (words[row % 4], words[row / 4 % 4])
      return "the DT O\n\(first.0) NN \(first.1)\nof IN O\nthis DT O\n\(second.0) NN \(second.1)\n"
    }.joined(separator: "\n")
  }

  @Test func trainsExportsAndPredicts() throws {
    let bench = try Workbench()
    try bench.folder.write("train.conll", Array(Self.sentences(32).utf8))
    try bench.folder.write("dev.conll", Array(Self.sentences(16).utf8))
    let base = bench.base
    let fileOptions = [
      "--task", "tokens", "--train", bench.path("train.conll"), "--dev",
      bench.path("dev.conll"),
    ]
    let mask = try bench.json(
      ["mask"] + base + fileOptions
        + ["--scope", "all", "--labels", "sampled", "--output", bench.path("m.ctkmask")])
    #expect(mask["selected"]?.intValue != 0)
    let task = fileOptions + ["--max-length", "32"]
    let run = try bench.json(
      ["finetune"] + base + task + [
        "--output", bench.path("run"), "--epochs", "12", "--batch-size", "8", "--threads", "1",
        "--learning-rate", "0.005", "--method", "vanilla",
      ])
    let score = try #require(run["metrics"]?["entity_f1"]?.doubleValue)
    #expect(score > 0.9, "the words are their own labels, found F1 \(score)")
    _ = try bench.json(
      ["export-delta"] + base
        + ["--run", bench.path("run"), "--output", bench.path("p.ctkpatch")])
    let patched = ["--patch", bench.path("p.ctkpatch")]
    let evaluated = try bench.json(
      ["evaluate"] + base + patched + task + ["--predictions", bench.path("p.tsv")])
    #expect(evaluated["metrics"] == run["metrics"])
    #expect(String(decoding: try bench.bytes("p.tsv"), as: UTF8.self).contains("\tO B-LAW O O B-"))
    _ = try bench.json(
      ["apply"] + base + patched + ["--output", bench.path("tuned")])
    let config = try JSONParser.parse(try bench.bytes("tuned/config.json"))
    #expect(
      config["architectures"]?.arrayValue?.first?.stringValue?.hasSuffix("ForTokenClassification")
        == true)
    let prediction = try bench.ctk([
      "predict", "--base", bench.path("tuned"), "the license of this class",
    ])
    let line = try #require(try prediction.jsonLines.last)
    #expect(line["words"]?.arrayValue?.count == 5)
    #expect(line["labels"]?.arrayValue?.compactMap(\.stringValue)[1] == "B-LAW")
    #expect(line["logits"]?.arrayValue?.count == 5)
    // Its head is for words now.
    try bench.folder.write("words.tsv", Array("text\tlabel\nthe class\tO\n".utf8))
    let failure = try bench.failure([
      "evaluate", "--base", bench.path("tuned"), "--task", "custom", "--dev",
      bench.path("words.tsv"),
    ])
    #expect(failure.code == "tuning.head-mismatch")
    // And a head for sentences is not one for words.
    let sentences = ["--base", Fixtures.path("checkpoints/roberta/pt")]
    let refused = try bench.failure(
      ["finetune"] + sentences + task + ["--output", bench.path("other")])
    #expect(refused.code == "tuning.head-mismatch")
    #expect(!Folder.exists(bench.path("other")))
  }
}
