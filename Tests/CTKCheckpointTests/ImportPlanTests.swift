import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Testing

@Suite("Import plans", .tags(.format))
struct ImportPlanTests {
  private let folder = TemporaryFolder()
  private static let embedding = "bert.embeddings.word_embeddings.weight"
  private static let decoder = "cls.predictions.decoder.weight"

  @Test("Every source tensor has one place", arguments: ["ok", "extra-layer", "pretraining-tf"])
  func everySourceHasOnePlace(_ name: String) throws {
    let source = try SourceCheckpoint(path: model(name))
    let plan = source.plan
    let places =
      plan.used.map(\.source.name) + plan.aliases.map(\.source.name)
      + plan.skipped.map(\.name)
    #expect(Set(places).count == places.count)
    #expect(Set(plan.used.map(\.target.name)).count == plan.used.count)
    if name == "extra-layer" { #expect(places.count == 41) }
    if name == "pretraining-tf" { #expect(places.count == 35) }
  }

  @Test("A tied tensor stored twice becomes an alias")
  func tiedTwice() throws {
    var small = try SmallBert()
    try small.add(Self.decoder, copying: Self.embedding)
    let report = try runImport(try small.write(into: folder), into: folder)
    #expect(report.plan.aliases.map(\.relation) == [.tied])
    #expect(report.plan.aliases.map(\.target) == [Self.embedding])
    #expect(report.fingerprint == (try runImport(model("ok")).fingerprint))
  }

  @Test("A tied tensor that differs is kept and reported")
  func tiedButDifferent() throws {
    var small = try SmallBert()
    try small.add(Self.decoder, copying: Self.embedding, flippingByte: 20)
    let report = try runImport(try small.write(into: folder), into: folder)
    #expect(report.plan.aliases.isEmpty)
    #expect(report.plan.targets.map(\.name).contains(Self.decoder))
    #expect(report.findings.count == 1)
    #expect(report.findings.first?.contains("element 5") == true)
  }

  @Test("Untied embeddings are two tensors")
  func untied() throws {
    var small = try SmallBert()
    try small.add(Self.decoder, copying: Self.embedding)
    small.configuration["tie_word_embeddings"] = false
    let report = try runImport(try small.write(into: folder), into: folder)
    #expect(report.plan.aliases.isEmpty && report.findings.isEmpty)
    #expect(report.plan.targets.map(\.name).contains(Self.decoder))
  }

  @Test("Either side of tied weights may be the stored one")
  func onlyTheDecoderIsStored() throws {
    var small = try SmallBert()
    try small.rename(Self.embedding, Self.decoder)
    let report = try runImport(try small.write(into: folder), into: folder)
    #expect(report.fingerprint == (try runImport(model("ok")).fingerprint))
    let step = report.plan.used.first { $0.target.name == Self.embedding }
    #expect(step?.source.name == Self.decoder)
  }

  @Test("Equal duplicates are merged, different ones refused", arguments: [nil, 3])
  func duplicates(flippingByte: Int?) throws {
    var small = try SmallBert()
    try small.add("module." + Self.embedding, copying: Self.embedding, flippingByte: flippingByte)
    let path = try small.write(into: folder)
    if flippingByte == nil {
      #expect(try runImport(path, into: folder).plan.aliases.map(\.relation) == [.duplicate])
    } else {
      #expect(failureCode { try runImport(path, into: folder) } == "import.conflict")
    }
  }

  @Test(
    "What is missing follows the model class",
    arguments: [
      ("BertModel", [String]()),
      ("BertForMaskedLM", ["cls.predictions.bias"]),
      ("BertForQuestionAnswering", ["qa_outputs.bias", "qa_outputs.weight"]),
      ("BertForNextSentencePrediction", ["cls.seq_relationship.bias"]),
      ("SomethingElse", []),
    ])
  func missingByClass(_ name: String, _ expected: [String]) throws {
    var small = try SmallBert()
    small.configuration["architectures"] = [.string(name)]
    let plan = try SourceCheckpoint(path: try small.write(into: folder)).plan
    #expect(Set(plan.missing).isSuperset(of: expected))
    #expect(plan.missing.isEmpty == expected.isEmpty)
    #expect(!plan.missing.contains(Self.decoder))
  }

  @Test("The first layer that is missing is named, and their number is bounded")
  func hugeLayerCount() throws {
    var small = try SmallBert()
    small.configuration["num_hidden_layers"] = .integer(1 << 12)
    let most = try small.write(into: folder)
    let error = #expect(throws: CheckpointError.self) { _ = try SourceCheckpoint(path: most) }
    #expect(error?.code == "import.tensor-missing")
    #expect(error?.message.contains("bert.encoder.layer.1.") == true)
    small.configuration["num_hidden_layers"] = .integer(1 << 28)
    let more = try small.write(into: folder, as: "more")
    #expect(failureCode { _ = try SourceCheckpoint(path: more) } == "config.invalid")
  }

  @Test("Without labels in the configuration the head decides")
  func labelsFromTheHead() throws {
    var small = try SmallBert()
    small.configuration["id2label"] = nil
    let plan = try SourceCheckpoint(path: try small.write(into: folder)).plan
    #expect(plan.targets.first { $0.name == "classifier.weight" }?.shape == [2, 4])

    try small.tensors.set("classifier.bias", shape: [3], floats: [1, 2, 3])
    let path = try small.write(into: folder, as: "contradicting")
    #expect(failureCode { _ = try SourceCheckpoint(path: path) } == "import.shape-mismatch")
  }

  @Test("A mismatch names both shapes")
  func mismatchNamesShapes() throws {
    let error = #expect(throws: CheckpointError.self) {
      try SourceCheckpoint(path: model("shape-transposed"))
    }
    #expect(error?.code == "import.shape-mismatch")
    #expect(error?.message.contains("[4, 6]") == true)
    #expect(error?.message.contains("[6, 4]") == true)
    #expect(error?.hint?.contains("exchanged") == true)
  }
}
