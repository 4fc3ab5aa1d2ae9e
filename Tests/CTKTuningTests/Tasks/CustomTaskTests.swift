import CTKCore
import CTKTestSupport
import CTKTuning
import Testing

/// A user's own files.
@Suite(.tags(.format))
struct CustomTaskTests {
  /// The same three rows in each format; labels sort by bytes, so "Z" before "a".
  static let files: KeyValuePairs = [
    "t.tsv": "label\tother\ttext\npos\t\tone\nZ\t\ttwo, \"x\"\npos\t\tthree\n",
    "t.csv": "text,label,other\none,pos,\r\n\"two, \"\"x\"\"\",\"Z\",\"a\nb\"\r\nthree,pos,",
    "t.jsonl": #"""
    {"text": "one", "label": "pos"}
    {"label": "Z", "text": "two, \"x\"", "other": [1]}

    {"text": "three", "label": "pos"}
    """#,
  ]

  @Test(arguments: files.map { $0.key })
  func formatsAgree(_ name: String) throws {
    let data = try TaskFolder(Self.files).custom(train: name).read(labels: nil)
    #expect(data.labels == .classes(["Z", "pos"]))
    #expect(
      data.train == [
        Example(text: "one", pair: nil, label: .classID(1)),
        Example(text: "two, \"x\"", pair: nil, label: .classID(0)),
        Example(text: "three", pair: nil, label: .classID(1)),
      ])
    #expect(data.dev.isEmpty)
  }

  @Test func pairsAndScores() throws {
    let folder = try TaskFolder([
      "t.jsonl": #"{"a": "x", "b": "y", "s": 2}"#,
      "d.tsv": table(["a", "s", "b"], ["p", "-0.5", "q"]),
    ])
    let task = folder.custom(
      train: "t.jsonl", dev: "d.tsv", text: ["a", "b"], label: "s", isRegression: true)
    let data = try task.read(labels: nil)
    #expect(data.labels == .score)
    #expect(data.train == [Example(text: "x", pair: "y", label: .score(2))])
    #expect(data.dev == [Example(text: "p", pair: "q", label: .score(-0.5))])
    #expect(task.metrics == [.pearson, .spearman])
  }

  /// Numbers and truth values are labels by their text.
  @Test func jsonLabelsOfAnyScalar() throws {
    let folder = try TaskFolder([
      "t.jsonl": #"""
      {"text": "a", "label": 10}
      {"text": "b", "label": true}
      {"text": "c", "label": 9}
      """#
    ])
    let data = try folder.custom(train: "t.jsonl").read(labels: nil)
    #expect(data.labels == .classes(["10", "9", "true"]))
    #expect(data.train.map(\.label) == [.classID(0), .classID(2), .classID(1)])
  }

  @Test func theModelsLabelsSetTheIDs() throws {
    let folder = try TaskFolder(["d.tsv": table(["text", "label"], ["x", "b"], ["y", "a"])])
    let data = try folder.custom(dev: "d.tsv").read(labels: ["b", "unused", "a"])
    #expect(data.labels.count == 3)
    #expect(data.dev.map(\.label) == [.classID(0), .classID(2)])
  }

  @Test func aDevLabelTheTrainingFileLacksIsUnknown() throws {
    let folder = try TaskFolder([
      "t.tsv": table(["text", "label"], ["x", "b"]),
      "d.csv": "text,label\n\"x\ny\",b\nz,c\n",
    ])
    let task = folder.custom(train: "t.tsv", dev: "d.csv")
    let error = #expect(throws: TuningError.self) { try task.read(labels: nil) }
    #expect(error?.code == "data.label-unknown")
    #expect(error?.message.hasPrefix("d.csv:4: ") == true, "the quoted field has a line end")
  }

  @Test(
    arguments: [
      (nil, nil, ["text"], nil), ("t.tsv", nil, [], nil), ("t.tsv", nil, ["a", "b", "c"], nil),
      (nil, "t.tsv", ["text"], nil), ("t.tsv", nil, ["text"], ["x", "x"]),
      ("t.xlsx", nil, ["text"], nil),
    ] as [(String?, String?, [String], [String]?)])
  func optionsThatCannotBe(
    _ train: String?, _ dev: String?, _ text: [String], _ labels: [String]?
  ) throws {
    let folder = try TaskFolder(Self.files)
    let task = folder.custom(train: train, dev: dev, text: text)
    let error = #expect(throws: TuningError.self) { try task.read(labels: labels) }
    #expect(error?.code == "options.invalid")
    #expect(error?.status == .usage)
  }
}
