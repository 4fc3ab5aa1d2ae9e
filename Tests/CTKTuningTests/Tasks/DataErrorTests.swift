import CTKCore
import CTKTestSupport
import CTKTuning
import Testing

/// Data that must be refused, with its code and the line at fault.
@Suite(.tags(.hostile))
struct DataErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let code: TuningErrorCode
    let line: Int?

    var testDescription: String { "\(code.rawValue): \(name) \(text.debugDescription)" }

    init(_ name: String, _ text: String, _ code: TuningErrorCode, line: Int? = nil) {
      self.name = name
      self.text = text
      self.code = code
      self.line = line
    }
  }

  private static let delimited = [
    Case("t.tsv", "", .dataEmpty),
    Case("t.tsv", "text\tlabel\n", .dataEmpty),
    Case("t.tsv", "\n\r\n\n", .dataEmpty),
    Case("t.tsv", "text\tLabel\nx\t1\n", .dataColumnMissing),
    Case("t.tsv", "text\tlabel\nx\t1\n\ny\n", .dataTooFewColumns, line: 4),
    Case("t.tsv", "text\tlabel\nx\tone\n", .dataRowInvalid, line: 2),
    Case("t.tsv", "text\tlabel\nx\tnan\n", .dataRowInvalid, line: 2),
    Case("t.tsv", "text\tlabel\nx\t1e999\n", .dataRowInvalid, line: 2),
    Case("t.csv", "", .dataEmpty),
    Case("t.csv", "text,label\nx,1\nx\n", .dataTooFewColumns, line: 3),
    Case("t.csv", "text,label\nx \"y\",1\n", .dataRowInvalid, line: 2),
    Case("t.csv", "text,label\n\"x\" y,1\n", .dataRowInvalid, line: 2),
    Case("t.csv", "text,label\n\"x\ny\"\"\n,1\n", .dataRowInvalid, line: 2),
  ]

  private static let objects = [
    Case("t.jsonl", "\n", .dataEmpty),
    Case("t.jsonl", "[1]\n", .dataRowInvalid, line: 1),
    Case("t.jsonl", "{\"text\": \"x\", \"label\": 1}\n{", .dataRowInvalid, line: 2),
    Case("t.jsonl", "{\"text\": \"x\"}", .dataColumnMissing, line: 1),
    Case("t.jsonl", "{\"text\": null, \"label\": 1}", .dataRowInvalid, line: 1),
  ]

  @Test(arguments: delimited + objects)
  func customDataIsRefused(_ refused: Case) throws {
    let folder = try TaskFolder([refused.name: refused.text])
    let task = folder.custom(train: refused.name, isRegression: true)
    let error = #expect(throws: TuningError.self) { try task.read(labels: nil) }
    #expect(error?.code == refused.code.rawValue)
    #expect(error?.path == folder.path + "/" + refused.name)
    if let line = refused.line {
      #expect(error?.message.hasPrefix("\(refused.name):\(line): ") == true)
    }
  }

  @Test(arguments: ["t.tsv", "t.csv", "t.jsonl"])
  func textMustBeUTF8(_ name: String) throws {
    let separator = name == "t.csv" ? "," : "\t"
    let start = name == "t.jsonl" ? "{\"label\": 1, \"text\": \"" : "text\(separator)label\n"
    let end = name == "t.jsonl" ? "\"}" : "\(separator)1\n"
    let folder = try TaskFolder(name, bytes: Array(start.utf8) + [0xE9] + Array(end.utf8))
    let task = folder.custom(train: name, isRegression: true)
    let error = #expect(throws: TuningError.self) { try task.read(labels: nil) }
    #expect(error?.code == "data.not-utf8")
  }

  @Test func missingFiles() throws {
    let folder = try TaskFolder([:])
    for body in [
      { try folder.read("rte") }, { try folder.custom(train: "no.tsv").read(labels: nil) },
    ] {
      let error = #expect(throws: TuningError.self) { try body() }
      #expect(error?.code == "data.missing")
      #expect(error?.status == .inputMissing)
    }
  }

  @Test func publicLayoutsAreAsStrict() throws {
    let header = ["index", "sentence1", "sentence2", "label"]
    let row = ["0", "A", "B", "entailment"]
    let cases: [([[String]], String)] = [
      ([header, row, ["1", "A", "B"]], "data.too-few-columns"),
      ([header, ["0", "A", "B", "Entailment"]], "data.label-unknown"),
      ([["index", "sentence1", "label"], row], "data.column-missing"), ([header], "data.empty"),
    ]
    for (rows, code) in cases {
      let text = rows.map { $0.joined(separator: "\t") }.joined(separator: "\n")
      let folder = try TaskFolder(["train.tsv": table(header, row), "dev.tsv": text])
      let error = #expect(throws: TuningError.self) { try folder.read("rte") }
      #expect(error?.code == code)
    }
  }

  @Test func anUnknownTaskListsTheKnownOnes() {
    let error = #expect(throws: TuningError.self) { try TaskDefinition.named("stsB") }
    #expect(error?.code == "task.unknown")
    #expect(error?.status == .usage)
    #expect(TaskDefinition.all.allSatisfy { error?.hint?.contains($0.name) == true })
  }

  /// Mutated files are read or refused, and never trap.
  @Test(arguments: ["t.tsv", "t.csv", "t.jsonl"])
  func mutatedFilesDoNotTrap(_ name: String) throws {
    let text = CustomTaskTests.files.first { $0.key == name }?.value ?? ""
    var refusals = 0
    for seed in 0..<300 {
      var random = SeededGenerator(seed: UInt64(seed))
      var bytes = Array(text.utf8)
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        let position = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[position] = Array("\"\t,\n\r{}".utf8).randomElement(using: &random) ?? 0
        default: bytes.remove(at: position)
        }
      }
      let task = try TaskFolder(name, bytes: bytes).custom(train: name)
      do throws(TuningError) {
        let data = try task.read(labels: nil)
        #expect(!data.train.isEmpty, "seed \(seed)")
      } catch {
        refusals += 1
        #expect(error.status == .badInput, "seed \(seed)")
      }
    }
    #expect((1..<300).contains(refusals))
  }
}
