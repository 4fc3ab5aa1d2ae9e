import CTKCore
import CTKModel
import CTKTestSupport
import CTKTuning
import Testing

/// Every public task in the layout its files are published in.
@Suite(.tags(.format))
struct TaskDefinitionTests {
  /// A task, its files, and the examples and the class that they hold.
  struct Layout: Sendable, CustomTestStringConvertible {
    let task: String
    let trainFile: String
    let devFile: String
    let header: [String]
    /// One row; "A" and "B" stand where the texts do.
    let row: [String]
    let label: Label
    let isPair: Bool

    var testDescription: String { "\(task) \(trainFile)" }

    init(
      _ task: String, _ header: [String], _ row: [String], _ label: Label,
      train: String = "train.tsv", dev: String = "dev.tsv"
    ) {
      self.task = task
      self.header = header
      self.row = row
      self.label = label
      isPair = row.contains("B")
      trainFile = train
      devFile = dev
    }
  }

  private static let mrpcHeader = ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"]
  private static let pairHeader = ["index", "sentence1", "sentence2", "label"]

  private static let glue = [
    Layout("cola", [], ["gj04", "0", "*", "A"], .classID(0)),
    Layout("sst2", ["sentence", "label"], ["A", "1"], .classID(1)),
    Layout("mrpc", mrpcHeader, ["1", "7", "8", "A", "B"], .classID(1)),
    Layout(
      "mrpc", mrpcHeader, ["0", "7", "8", "A", "B"], .classID(0),
      train: "msr_paraphrase_train.txt", dev: "msr_paraphrase_test.txt"),
    Layout(
      "stsb", ["index", "genre", "sentence1", "sentence2", "score"],
      ["0", "main", "A", "B", "3.800"], .score(3.8)),
    Layout(
      "qqp", ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
      ["1", "2", "3", "A", "B", "1"], .classID(1)),
    Layout(
      "mnli", ["index", "sentence1", "sentence2", "label1", "gold_label"],
      ["0", "A", "B", "neutral", "contradiction"], .classID(2), dev: "dev_matched.tsv"),
    Layout(
      "qnli", ["index", "question", "sentence", "label"], ["0", "A", "B", "entailment"],
      .classID(0)),
    Layout("rte", pairHeader, ["0", "A", "B", "not_entailment"], .classID(1)),
    Layout("wnli", pairHeader, ["0", "A", "B", "0"], .classID(0)),
  ]

  private static let others = [
    Layout(
      "snli", ["gold_label", "sentence1", "sentence2"], ["neutral", "A", "B"], .classID(1),
      train: "snli_1.0_train.txt", dev: "snli_1.0_dev.txt"),
    Layout(
      "scitail", [], ["A", "B", "neutral"], .classID(1), train: "scitail_1.0_train.tsv",
      dev: "scitail_1.0_dev.tsv"),
  ]

  @Test(arguments: glue + others)
  func readsTheLayout(_ layout: Layout) throws {
    let header = layout.header.isEmpty ? "" : layout.header.joined(separator: "\t") + "\n"
    let row = layout.row.joined(separator: "\t")
    let folder = try TaskFolder([
      layout.trainFile: header + row + "\n" + row + "\n", layout.devFile: header + row,
    ])
    let data = try folder.read(layout.task)
    let example = Example(text: "A", pair: layout.isPair ? "B" : nil, label: layout.label)
    #expect(data.train == [example, example])
    #expect(data.dev == [example])
    #expect(data.skippedRows == 0)
    #expect(data.labels == (try TaskDefinition.named(layout.task).labels))
  }

  @Test func everyTaskHasALayoutTest() {
    let tested = Set((Self.glue + Self.others).map(\.task)).union(["sick"])
    #expect(Set(TaskDefinition.all.map(\.name)) == tested)
  }

  /// A byte order mark, carriage returns, quotes and a missing last line feed.
  @Test func textIsTakenLiterally() throws {
    let header = "\u{FEFF}index\tsentence1\tsentence2\tlabel\r\n"
    let folder = try TaskFolder([
      "train.tsv": header + "0\t\"He said\t he \"\"did\"\tentailment\r\n",
      "dev.tsv": header + "0\tÜber  \t字\u{2028}x\tnot_entailment",
    ])
    let data = try folder.read("rte")
    #expect(
      data.train == [Example(text: "\"He said", pair: " he \"\"did\"", label: .classID(0))])
    #expect(data.dev == [Example(text: "Über  ", pair: "字\u{2028}x", label: .classID(1))])
  }

  @Test func malformedAndUndecidedRowsAreCounted() throws {
    let header = ["index", "sentence1", "sentence2", "gold_label"]
    let row = ["0", "A", "B", "neutral"]
    let folder = try TaskFolder([
      "train.tsv": table(header, row, ["1", "cut"], ["2", "A", "B", "-"]),
      "dev_matched.tsv": table(header, ["3"], row),
    ])
    let data = try folder.read("mnli")
    #expect(data.train.count == 1)
    #expect(data.dev.count == 1)
    #expect(data.skippedRows == 3)
  }

  /// Both of MNLI's evaluation sets, each under its own name.
  @Test func mismatchedRowsAreASetOfTheirOwn() throws {
    let header = ["index", "sentence1", "sentence2", "gold_label"]
    let folder = try TaskFolder([
      "train.tsv": table(header, ["0", "A", "B", "neutral"]),
      "dev_matched.tsv": table(header, ["0", "A", "B", "neutral"]),
      "dev_mismatched.tsv": table(header, ["0", "C", "D", "entailment"], ["1", "C", "D", "-"]),
    ])
    let data = try folder.read("mnli")
    #expect(data.dev == [Example(text: "A", pair: "B", label: .classID(1))])
    #expect(data.furtherDev.map(\.name) == ["mm"])
    #expect(
      data.furtherDev.first?.examples == [Example(text: "C", pair: "D", label: .classID(0))])
    #expect(data.skippedRows == 1)
    let withoutIt = try TaskFolder([
      "train.tsv": table(header, ["0", "A", "B", "neutral"]),
      "dev_matched.tsv": table(header, ["0", "A", "B", "neutral"]),
    ]).read("mnli")
    #expect(withoutIt.furtherDev.isEmpty && withoutIt.digest != data.digest)
  }

  @Test func snliIsReadFromJSONLinesToo() throws {
    let line = #"{"gold_label":"contradiction","sentence1":"A","sentence2":"B","x":[1]}"#
    let folder = try TaskFolder([
      "snli_1.0_train.jsonl": line + "\n",
      "snli_1.0_dev.jsonl": line + "\n"
        + line.replacing("contradiction", with: "-") + "\n",
    ])
    let data = try folder.read("snli")
    #expect(data.train == [Example(text: "A", pair: "B", label: .classID(2))])
    #expect(data.dev == data.train && data.skippedRows == 1)
  }

  /// The test files of GLUE, which have other columns and no labels.
  @Test(arguments: [
    ("cola", "test.tsv", ["index", "sentence"], ["CoLA.tsv"]),
    ("sst2", "test.tsv", ["index", "sentence"], ["SST-2.tsv"]),
    ("mrpc", "test.tsv", ["index", "#1 ID", "#2 ID", "#1 String", "#2 String"], ["MRPC.tsv"]),
    ("stsb", "test.tsv", ["index", "genre", "sentence1", "sentence2"], ["STS-B.tsv"]),
    ("qqp", "test.tsv", ["id", "question1", "question2"], ["QQP.tsv"]),
    ("qnli", "test.tsv", ["index", "question", "sentence"], ["QNLI.tsv"]),
    ("rte", "test.tsv", ["index", "sentence1", "sentence2"], ["RTE.tsv"]),
    ("wnli", "test.tsv", ["index", "sentence1", "sentence2"], ["WNLI.tsv"]),
  ])
  func testSetsHaveNoLabels(
    _ task: String, _ file: String, _ header: [String], _ names: [String]
  ) throws {
    let texts = header.map {
      ["sentence1", "question1", "#1 String", "question"].contains($0)
        ? "A" : $0 == "sentence" && task != "qnli" ? "A" : "B"
    }
    let folder = try TaskFolder(["train.tsv": "x", file: table(header, texts)])
    let sets = try TaskDefinition.named(task).readTests(folder: folder.path)
    #expect(sets.map(\.fileName) == names)
    #expect(sets[0].examples.count == 1 && sets[0].examples[0].text == "A")
    #expect(sets[0].examples[0].label == .none)
    #expect((sets[0].examples[0].pair == "B") == !["cola", "sst2"].contains(task))
  }

  @Test func mnliHasTwoTestSets() throws {
    let rows = table(["index", "sentence1", "sentence2"], ["0", "A", "B"])
    let folder = try TaskFolder([
      "train.tsv": "x", "test_matched.tsv": rows, "test_mismatched.tsv": rows,
    ])
    let sets = try TaskDefinition.named("mnli").readTests(folder: folder.path)
    #expect(sets.map(\.fileName) == ["MNLI-m.tsv", "MNLI-mm.tsv"])
    let diagnosed = try TaskFolder([
      "train.tsv": "x", "test_matched.tsv": rows, "test_mismatched.tsv": rows, "AX.tsv": rows,
    ])
    let all = try TaskDefinition.named("mnli").readTests(folder: diagnosed.path)
    #expect(all.map(\.fileName) == ["MNLI-m.tsv", "MNLI-mm.tsv", "AX.tsv"])
    let sick = try TaskFolder(["SICK.txt": "x"])
    #expect { try TaskDefinition.named("sick").readTests(folder: sick.path) } throws: {
      ($0 as? TuningError)?.code == "options.invalid"
    }
  }

  @Test func onlyTheSplitsAskedForAreRead() throws {
    let folder = try TaskFolder(["dev.tsv": table(["gj04", "1", "", "A"])])
    let data = try folder.read("cola", [.dev])
    #expect(data.dev.count == 1)
    #expect(data.train.isEmpty)
    #expect(throws: TuningError.self) { try folder.read("cola") }
  }
}

/// Tasks whose splits are not one file each.
@Suite(.tags(.format))
struct TaskSplitTests {
  private static let mrpcHeader = ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"]

  /// The order of the two ids counts; the raw test file is left alone.
  @Test func rawMRPCIsDividedByTheListOfIDs() throws {
    let folder = try TaskFolder([
      "msr_paraphrase_train.txt": "\u{FEFF}"
        + table(
          Self.mrpcHeader, ["1", "10", "20", "first", "x"], ["0", "30", "40", "second", "x"],
          ["1", "20", "10", "third", "x"]),
      "msr_paraphrase_test.txt": table(Self.mrpcHeader, ["1", "1", "2", "test", "x"]),
      "mrpc_dev_ids.tsv": "20\t10\n99\t98\n",
    ])
    let data = try folder.read("mrpc")
    #expect(data.train.map(\.text) == ["first", "second"])
    #expect(data.dev.map(\.text) == ["third"])
  }

  @Test func rawMRPCWithoutIDsEvaluatesOnTheTestFile() throws {
    let folder = try TaskFolder([
      "msr_paraphrase_train.txt": table(Self.mrpcHeader, ["1", "10", "20", "train", "x"]),
      "msr_paraphrase_test.txt": table(Self.mrpcHeader, ["0", "1", "2", "test", "x"]),
    ])
    let data = try folder.read("mrpc")
    #expect(data.train.map(\.text) == ["train"])
    #expect(data.dev.map(\.text) == ["test"])
  }

  @Test func sickIsDividedByItsColumn() throws {
    let folder = try TaskFolder([
      "SICK.txt": table(
        [
          "pair_ID", "sentence_A", "sentence_B", "entailment_label", "relatedness_score",
          "SemEval_set",
        ],
        ["1", "a", "x", "NEUTRAL", "4.5", "TRAIN"],
        ["2", "b", "x", "CONTRADICTION", "1.5", "TEST"],
        ["3", "c", "x", "ENTAILMENT", "5", "TRIAL"])
    ])
    let data = try folder.read("sick")
    #expect(data.train == [Example(text: "a", pair: "x", label: .classID(1))])
    #expect(data.dev == [Example(text: "c", pair: "x", label: .classID(0))])
  }

  @Test func sickWithoutSplitsIsForEvaluation() throws {
    let folder = try TaskFolder([
      "SICK.txt": table(
        ["pair_ID", "sentence_A", "sentence_B", "relatedness_score", "entailment_judgment"],
        ["1", "a", "x", "4.5", "CONTRADICTION"])
    ])
    let data = try folder.read("sick")
    #expect(data.dev == [Example(text: "a", pair: "x", label: .classID(2))])
    let error = #expect(throws: TuningError.self) { try data.requireTrain() }
    #expect(error?.code == "data.empty")
  }

  @Test func targetsFollowTheLabels() throws {
    let classes = [2, 0, 1].map { Example(text: "", pair: nil, label: .classID($0)) }
    guard case .classes(let ids) = TaskData.targets(classes) else {
      Issue.record("expected classes")
      return
    }
    #expect(ids == [2, 0, 1])
    let scores = [1.5, 0].map { Example(text: "", pair: nil, label: .score($0)) }
    guard case .scores(let values) = TaskData.targets(scores) else {
      Issue.record("expected scores")
      return
    }
    #expect(values == [1.5, 0])
  }
}
