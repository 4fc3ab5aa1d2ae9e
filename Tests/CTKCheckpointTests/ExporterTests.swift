import CTKCheckpoint
import CTKCore
import CTKHDF5
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite("Exports", .tags(.format))
struct ExporterTests {
  private let folder = TemporaryFolder()

  private func export(
    _ model: String, _ format: ExportFormat, as name: String
  ) throws -> ExportReport {
    try Exporter.run(model: model, output: folder.file(name), format: format)
  }

  @Test(
    "The way there and back keeps every bit",
    arguments: ["bert/pt", "bert-regression/pt", "malformed/models/pretraining-pt"],
    ExportFormat.allCases)
  func roundTrip(_ name: String, _ format: ExportFormat) throws {
    let report = try export(checkpoint(name), format, as: "exported")
    #expect(report.widenedCount == 0)
    let again = try runImport(folder.file("exported"), into: folder, as: "again")
    #expect(again.fingerprint == report.fingerprint)
    #expect(again.fingerprint == (try Checkpoint.open(checkpoint(name)).fingerprint()))
    #expect(again.plan.skipped.isEmpty && again.plan.missing.isEmpty)
    #expect(again.plan.layout == (format == .safetensors ? .pytorch : .tensorflow))
    #expect(report.files == (try Folder.names(in: folder.file("exported"))))
  }

  @Test("Half floats are widened exactly where the container has none", arguments: ["f16", "bf16"])
  func halfFloats(_ name: String) throws {
    let report = try export(checkpoint("bert/" + name), .hdf5, as: "exported")
    #expect(report.widenedCount == 41)
    let widened = try runImport(
      checkpoint("bert/" + name), into: folder, as: "widened", ImportOptions(dtype: .f32))
    let again = try runImport(folder.file("exported"), into: folder, as: "again")
    #expect(again.fingerprint == widened.fingerprint)
    #expect(
      try JSONParser.parseFile(folder.file("exported/config.json"))["dtype"] == "float32")
  }

  @Test("tf_model.h5 has the groups, names and attributes that Keras reads")
  func hdf5Layout() throws {
    _ = try export(checkpoint("bert/pt"), .hdf5, as: "exported")
    let file = try HDF5File(path: folder.file("exported/tf_model.h5"))
    let reference = try HDF5File(path: checkpoint("bert/tf/tf_model.h5"))
    #expect(file.tensors == reference.tensors)
    for attribute in ["backend", "keras_version"] {
      #expect(
        try file.stringAttribute(attribute, of: "")
          == reference.stringAttribute(attribute, of: ""))
    }
    #expect(try file.stringListAttribute("layer_names", of: "") == ["bert", "classifier"])
    for layer in ["bert", "classifier"] {
      let names = try #require(try file.stringListAttribute("weight_names", of: layer))
      let expected = try #require(try reference.stringListAttribute("weight_names", of: layer))
      #expect(Set(names) == Set(expected) && names.count == expected.count)
    }
  }

  @Test("A head lists the embeddings that it is tied to, without storing them again")
  func tiedEmbeddings() throws {
    _ = try export(model("pretraining-pt"), .hdf5, as: "exported")
    let path = folder.file("exported/tf_model.h5")
    let file = try HDF5File(path: path)
    let reference = try HDF5File(path: model("pretraining-tf/tf_model.h5"))
    let copies = reference.tensors.filter {
      $0.name.hasPrefix("mlm___cls/") && $0.name.contains("/bert/")
    }
    #expect(copies.count == 5)
    let names = try #require(try file.stringListAttribute("weight_names", of: "mlm___cls"))
    for copy in copies {
      #expect(file.info(of: copy.name)?.shape == copy.shape)
      #expect(names.contains { "mlm___cls/" + $0 == copy.name })
    }
    let size = try contents(path).count
    #expect(size < (try contents(model("pretraining-tf/tf_model.h5")).count))
    let again = try runImport(folder.file("exported"), into: folder, as: "again")
    #expect(again.plan.aliases.map(\.relation) == Array(repeating: .copy, count: 5))
  }

  @Test("A list of names beyond 64 KiB is split as Keras splits it")
  func longNameLists() throws {
    let path = folder.file("long.h5")
    let names = (0..<9001).map { "layer_\($0)/kernel:0" }
    let writer = try HDF5Writer(path: path)
    try [Float(1.5)].withUnsafeBytes { try writer.write("a/b", shape: [1], $0) }
    try writer.setNames("weight_names", names, of: "a")
    try writer.close()
    let file = try HDF5File(path: path)
    #expect(try file.stringListAttribute("weight_names", of: "a") == names)
    #expect(try file.stringListAttribute("weight_names0", of: "a")?.count == 4000)
  }

  @Test("A tensor without a name in the format is an error, not a loss")
  func unnamedTensor() throws {
    var small = try SmallBert()
    small.configuration["tie_word_embeddings"] = false
    try small.add(
      "cls.predictions.decoder.weight", copying: "bert.embeddings.word_embeddings.weight")
    let model = try small.write(into: folder)
    #expect(failureCode { _ = try export(model, .hdf5, as: "exported") } == "export.name-missing")
    #expect(folder.names == ["source"])
    _ = try export(model, .safetensors, as: "exported")
  }

  @Test func anExistingOutputIsRefused() throws {
    _ = try export(checkpoint("bert/pt"), .safetensors, as: "exported")
    #expect(
      failureCode { _ = try export(checkpoint("bert/pt"), .safetensors, as: "exported") }
        == "output.exists")
  }

  @Test(
    "Scopes are Keras' own",
    arguments: [
      ("BertForMaskedLM", "tf_bert_for_masked_lm"),
      ("XLNetForSequenceClassification", "tfxl_net_for_sequence_classification"),
      ("DistilBertModel", "tf_distil_bert_model"),
    ])
  func scopes(_ name: String, _ expected: String) {
    #expect(VariableNaming.scope(ofClass: name) == expected)
  }
}
