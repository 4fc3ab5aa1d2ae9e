import CTKCheckpoint
import CTKCore
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite("Running an import", .tags(.format))
struct ImporterTests {
  private let folder = TemporaryFolder()

  @Test func writesAWholeFolder() throws {
    let report = try runImport(checkpoint("bert/pt"), into: folder)
    #expect(
      try Folder.names(in: folder.file("out")) == [
        "config.json", "import-report.json", "model.safetensors", "special_tokens_map.json",
        "tokenizer.json", "tokenizer_config.json", "vocab.txt",
      ])
    for name in report.tokenizerFiles {
      #expect(try contents(folder.file("out/" + name)) == contents(checkpoint("bert/pt/" + name)))
    }
    #expect(
      try JSONParser.parseFile(folder.file("out/config.json"))
        == JSONParser.parseFile(checkpoint("bert/pt/config.json")).sortedByKeys)
    #expect(folder.names == ["out"])
  }

  @Test func theOutputIsACanonicalCheckpoint() throws {
    let report = try runImport(checkpoint("bert/pt-base"), into: folder)
    let opened = try Checkpoint.open(folder.file("out"))
    #expect(try opened.fingerprint() == report.fingerprint)
    #expect(try Fingerprint.of(opened.weights) == report.fingerprint)
    #expect(opened.weights.metadata == ["format": "pt"])
    #expect(opened.configuration.layerCount == 2)
  }

  @Test(
    "What an import would change is no base",
    arguments: [
      "bert/pt-base", "malformed/models/extra-buffer", "malformed/models/names-gamma-beta",
    ])
  func notCanonical(_ name: String) {
    let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(checkpoint(name)) }
    #expect(error?.code == "checkpoint.not-canonical")
    #expect(error?.hint?.contains("ctk import") == true)
  }

  @Test func canonicalFoldersOpenAsTheyAre() throws {
    let opened = try Checkpoint.open(checkpoint("bert/sharded"))
    #expect(opened.weights.shards.count == 4)
    #expect(try Checkpoint.open(checkpoint("bert/pt")).tokenizerFiles.contains("vocab.txt"))
  }

  @Test func anExistingOutputIsRefused() throws {
    try runImport(model("ok"), into: folder)
    #expect(failureCode { try runImport(model("ok"), into: folder) } == "output.exists")
    let again = try runImport(
      checkpoint("bert/pt"), into: folder, ImportOptions(replacesExisting: true))
    #expect(try Checkpoint.open(folder.file("out")).fingerprint() == again.fingerprint)
    #expect(folder.names == ["out"])
  }

  @Test func aDryRunWritesNothing() throws {
    let planned = try runImport(checkpoint("bert/pt"), into: folder, ImportOptions(isDryRun: true))
    #expect(folder.names.isEmpty)
    #expect(planned.fingerprint == nil)
    #expect(planned.json["fingerprint"] == .null)
    let done = try runImport(checkpoint("bert/pt"), into: folder)
    #expect(planned.table == done.table)
  }

  @Test("A dry run reads no values, not even to compare copies")
  func aDryRunReadsNoValues() throws {
    let options = ImportOptions(isDryRun: true)
    let planned = try runImport(model("names-gamma-and-weight"), into: folder, options)
    #expect(planned.plan.aliases.map(\.relation) == [.duplicate])
    #expect(planned.findings.contains { $0.contains("were not compared") })
    #expect(folder.names.isEmpty)
  }

  @Test func repeatedImportsAreEqualByteForByte() throws {
    try runImport(checkpoint("bert/tf"), into: folder, as: "a")
    try runImport(checkpoint("bert/tf"), into: folder, as: "b")
    for name in try Folder.names(in: folder.file("a")) {
      #expect(try contents(folder.file("a/" + name)) == contents(folder.file("b/" + name)))
    }
  }

  @Test func aCastChangesTheConfiguration() throws {
    let report = try runImport(checkpoint("bert/pt"), into: folder, ImportOptions(dtype: .bf16))
    #expect(try JSONParser.parseFile(folder.file("out/config.json"))["dtype"] == "bfloat16")
    #expect(report.plan.used.allSatisfy { $0.source.dtype == .f32 && $0.target.dtype == .bf16 })
  }

  @Test func overflowsAreCounted() throws {
    var small = try SmallBert()
    try small.tensors.set("classifier.bias", shape: [2], floats: [1e30, 0.5])
    let path = try small.write(into: folder)
    let report = try runImport(path, into: folder, ImportOptions(dtype: .f16))
    #expect(report.overflows.map(\.target) == ["classifier.bias"])
    #expect(report.overflows.map(\.count) == [1])
  }

  @Test("Values that are no numbers are imported as they are, and said")
  func notFiniteIsCounted() throws {
    var small = try SmallBert()
    try small.tensors.set("classifier.bias", shape: [2], floats: [-.infinity, .nan])
    let report = try runImport(try small.write(into: folder), into: folder)
    #expect(report.notFinite.map(\.target) == ["classifier.bias"])
    #expect(report.notFinite.map(\.nan) == [1])
    #expect(report.notFinite.map(\.infinite) == [1])
    #expect(report.notFinite.map(\.firstIndex) == [0])
    #expect(report.overflows.isEmpty)
    #expect(report.json["not_finite"]?.arrayValue?.first?["infinite"] == 1)
    let written = try Checkpoint.open(folder.file("out")).weights.bytes(of: "classifier.bias")
    #expect(try written == small.tensors.bytes(of: "classifier.bias"))
  }

  @Test("A base without a tensor of its encoder is no base")
  func incompleteEncoder() throws {
    try runImport(model("missing-layer-tensor"), into: folder)
    #expect(
      failureCode { _ = try Checkpoint.open(folder.file("out")) } == "import.tensor-missing")
  }

  @Test func theTokenizerMayComeFromElsewhere() throws {
    let options = ImportOptions(tokenizerPath: checkpoint("bert/pt"))
    let report = try runImport(checkpoint("bert/tf"), into: folder, options)
    #expect(report.tokenizerFiles.count == 4)
    let one = ImportOptions(tokenizerPath: checkpoint("bert/pt/vocab.txt"))
    #expect(
      try runImport(checkpoint("bert/tf"), into: folder, as: "one", one).tokenizerFiles == [
        "vocab.txt"
      ])
    let none = ImportOptions(tokenizerPath: checkpoint("bert/tf"))
    #expect(
      failureCode { try runImport(checkpoint("bert/tf"), into: folder, as: "none", none) }
        == "import.tokenizer-missing")
  }

  @Test(
    "Sources that cannot be told",
    arguments: [
      ("bert/flat", "import.source-ambiguous"), ("bert/nowhere", "import.source-missing"),
      ("bert", "import.source-missing"), ("bert/pt/vocab.txt", "import.container-unsupported"),
      ("bert/pt/config.json", "import.container-unsupported"),
    ])
  func unclearSources(_ source: String, _ code: String) {
    #expect(failureCode { try runImport(checkpoint(source), into: folder) } == code)
    #expect(folder.names.isEmpty)
  }

  @Test func theArchitectureMustAgree() throws {
    let wrong = ImportOptions(architecture: .roberta)
    #expect(
      failureCode { try runImport(checkpoint("bert/pt"), into: folder, wrong) }
        == "import.architecture-mismatch")
    let right = ImportOptions(
      configurationPath: model("configs/no-model-type.json"), architecture: .bert)
    try runImport(model("ok/model.safetensors"), into: folder, right)
    #expect(try JSONParser.parseFile(folder.file("out/config.json"))["model_type"] == "bert")
  }

  @Test func progressCountsTensors() throws {
    var events: [Int] = []
    _ = try Importer.run(source: model("ok"), output: folder.file("out")) { event in
      events.append(event.completed)
      #expect(event.total == 25)
    }
    #expect(events == Array(1...25))
  }

  @Test func theReportHasItsFields() throws {
    let json = try runImport(model("pretraining-tf"), into: folder).json
    #expect(json["schema"] == "ctk.import-report/1")
    #expect(json["architecture"] == "bert")
    #expect(json["tensors"] == 30)
    #expect(json["used"]?.arrayValue?.count == 30)
    #expect(json["aliases"]?.arrayValue?.count == 5)
    #expect(json["skipped"] == [])
    #expect(json["missing"] == [])
    #expect(json["fingerprint"]?.stringValue?.count == 64)
    #expect(try JSONParser.parseFile(folder.file("out/import-report.json")) == json.sortedByKeys)
  }
}

extension JSONValue {
  /// The value as it reads back from a file with sorted keys.
  fileprivate var sortedByKeys: JSONValue {
    (try? JSONParser.parse(Array(compactText.utf8))) ?? .null
  }
}
