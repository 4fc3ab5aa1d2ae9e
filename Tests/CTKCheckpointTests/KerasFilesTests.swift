import CTKCheckpoint
import CTKCore
import CTKHDF5
import CTKModel
import CTKTensor
import CTKTestSupport
import Foundation
import Testing

/// Models that KerasHub saved, in the forms that Keras 3 has, and what KerasHub computes with them.
@Suite("Files of Keras 3", .tags(.format))
struct KerasFilesTests {
  private let folder = TemporaryFolder()
  private let expected: JSONValue

  init() throws {
    try PackedFixtures.unpack("keras/models.zip", into: folder)
    expected = try JSONParser.parseFile(Fixtures.path("keras/expected.json"))
  }

  @Test(
    "Every source tensor is used or skipped for a known reason",
    arguments: [
      ("bert", 41, 2), ("bert-predictions.h5", 28, 2), ("roberta", 25, 2),
      ("distilbert.keras", 24, 2), ("electra", 23, 2), ("xlnet.h5", 36, 0),
    ])
  func everyTensorHasItsPlace(_ source: String, _ count: Int, _ skippedCount: Int) throws {
    let report = try runImport(folder.file(source), into: folder)
    #expect(report.plan.targets.count == count)
    #expect(report.plan.missing.isEmpty && report.findings.isEmpty)
    let skipped = report.plan.skipped.filter {
      $0.reason.contains("optimizer") || $0.name.contains("dense_1/vars")
    }
    #expect(skipped.count == skippedCount && report.plan.skipped.count == skippedCount)
  }

  @Test("A preset, an archive and a whole-model file have one fingerprint")
  func oneFingerprint() throws {
    let preset = try runImport(folder.file("roberta"), into: folder, as: "preset")
    let archive = try runImport(folder.file("roberta.keras"), into: folder, as: "archive")
    let whole = try runImport(folder.file("roberta.h5"), into: folder, as: "whole")
    #expect(preset.plan.layout == .keras && whole.plan.layout == .kerasLegacy)
    #expect(archive.fingerprint == preset.fingerprint)
    #expect(whole.fingerprint == preset.fingerprint)
    let configurations = try ["preset", "archive", "whole"].map {
      try JSONParser.parseFile(folder.file($0 + "/config.json"))
    }
    #expect(configurations[0] == configurations[1] && configurations[0] == configurations[2])
  }

  @Test("The weights of an archive are a file of their own too")
  func weightsAlone() throws {
    try folder.write("alone.weights.h5", member("model.weights.h5", of: "roberta.keras"))
    let options = ImportOptions(configurationPath: folder.file("roberta/task.json"))
    let alone = try runImport(folder.file("alone.weights.h5"), into: folder, as: "alone", options)
    let preset = try runImport(folder.file("roberta"), into: folder, as: "preset")
    #expect(alone.fingerprint == preset.fingerprint)
  }

  /// Splits the weights of the RoBERTa preset into two files and an index.
  ///
  /// - Returns: the weight map.
  private func split() throws -> JSONObject {
    let whole = try HDF5File(path: folder.file("roberta/model.weights.h5"))
    let middle = whole.tensors.count / 2
    var map = JSONObject()
    let halves = [whole.tensors[..<middle], whole.tensors[middle...]]
    for (number, part) in halves.enumerated() {
      let name = "model_0000\(number).weights.h5"
      let writer = try HDF5Writer(path: folder.file("roberta/" + name))
      for info in part {
        try whole.withTensorBytes(info.name) {
          try writer.write(info.name, shape: info.shape, $0)
        }
        let group = "/" + info.name.split(separator: "/").dropLast().joined(separator: "/")
        let others = map[group]?.arrayValue ?? []
        map[group] = .array(others.contains(.string(name)) ? others : others + [.string(name)])
      }
      try writer.close()
    }
    return map
  }

  @Test("Shards of Keras 3 are put together by their index")
  func shards() throws {
    let expected = try runImport(folder.file("roberta"), into: folder, as: "whole").fingerprint
    let map = try split()
    func fingerprint(_ map: JSONObject) throws -> Digest? {
      let index: JSONValue = ["metadata": ["total_size": 1.5], "weight_map": .object(map)]
      try folder.write("roberta/model.weights.json", Array(index.compactText.utf8))
      return try runImport(folder.file("roberta")).fingerprint
    }
    try FileManager.default.removeItem(atPath: folder.file("roberta/model.weights.h5"))
    #expect(try fingerprint(map) == expected)

    func code(_ group: String, _ value: JSONValue) -> String? {
      failureCode {
        var changed = map
        changed[group] = value
        _ = try fingerprint(changed)
      }
    }
    let group = "/layers/layer_normalization/vars"
    #expect(code(group, "../model_00000.weights.h5") == "import.shard-name-unsafe")
    #expect(code(group, "model_00002.weights.h5") == "import.shard-missing")
    #expect(code(group, [3]) == "import.index-invalid")
    #expect(code(group, []) == "import.index-invalid")
    #expect(code("/layers/no/vars", "model_00000.weights.h5") == "import.shard-tensor-missing")
    try folder.write(
      "roberta/copy.weights.h5", contents(folder.file("roberta/model_00000.weights.h5")))
    #expect(code(group, ["copy.weights.h5"]) == "import.shard-tensor-ambiguous")
  }

  @Test("KerasHub's RoBERTa has no token types and no positions of padding: zeros")
  func filledTables() throws {
    let report = try runImport(folder.file("roberta"), into: folder)
    let name = "roberta.embeddings.token_type_embeddings.weight"
    #expect(report.plan.filled.map(\.target.name) == [name])
    #expect(report.json["filled"]?.arrayValue?.first?["target"]?.stringValue == name)
    let weights = try Checkpoint.open(folder.file("out")).weights
    #expect(try weights.bytes(of: name).allSatisfy { $0 == 0 })
    let positions = try weights.bytes(of: "roberta.embeddings.position_embeddings.weight")
    #expect(positions.count == 11 * 6 * 4)
    #expect(positions[..<48].allSatisfy { $0 == 0 } && positions[48...].contains { $0 != 0 })
  }

  @Test("A head stores the embeddings that it is tied to again")
  func tiedEmbeddings() throws {
    let report = try runImport(folder.file("bert-predictions.h5"), into: folder)
    #expect(report.plan.aliases.map(\.relation) == [.copy])
    #expect(report.plan.targets.map(\.name).contains("cls.predictions.bias"))
  }

  @Test(
    "The encoder computes what KerasHub computes",
    arguments: [
      ("bert", "bert"), ("bert-predictions", "bert-predictions.h5"), ("roberta", "roberta"),
      ("distilbert", "distilbert.keras"), ("electra", "electra"), ("xlnet", "xlnet.h5"),
    ])
  func outputs(_ name: String, _ source: String) throws {
    let checkpoint = try SourceCheckpoint(path: folder.file(source))
    let outputs = try #require(expected["models"]?[name])
    let logits = outputs["logits"].map(Self.values)
    let network = try SequenceClassifier(
      configuration: checkpoint.configuration.model, labelCount: logits?.count ?? 2)
    let parameters = ParameterVector(layout: network.layout)
    let missing = try parameters.load(from: checkpoint)
    #expect(missing.isEmpty == (logits != nil))
    var batch = PackedBatch()
    batch.append(
      tokenIDs: Self.integers(expected["token_ids"]),
      tokenTypeIDs: network.configuration.tokenTypeCount > 1 || name == "xlnet"
        ? Self.integers(expected["segment_ids"]) : nil)
    let workspace = network.workspace(
      BatchLimits(covering: [batch]), compute: Compute(threadCount: 1), lastLayerRows: .all)
    let pass = network.forward(batch, dropout: nil, parameters, workspace)
    let hidden = Closeness.of(
      pass.hiddenStates[pass.hiddenStates.count - 1].array(), Self.values(outputs["hidden"]),
      absolute: 1e-5, relative: 1e-5)
    #expect(hidden.isWithin, "\(hidden)")
    if let logits {
      let closeness = Closeness.of(
        pass.logits.array(), logits, absolute: 1e-5, relative: 1e-5)
      #expect(closeness.isWithin, "\(closeness)")
    }
  }

  private static func values(_ output: JSONValue?) -> [Double] {
    output?["values"]?.arrayValue?.compactMap(\.doubleValue) ?? []
  }

  private static func integers(_ batch: JSONValue?) -> [Int32] {
    (batch?.arrayValue?.first?.arrayValue ?? []).compactMap { $0.intValue.map(Int32.init) }
  }

  private func member(_ name: String, of archive: String) throws -> [UInt8] {
    let file = try MappedFile(path: folder.file(archive))
    return try file.withBytes { (bytes) throws in
      let entry = try #require(try ZipArchive(file: bytes).entry(named: name))
      return PackedFixtures.contents(of: entry, in: bytes)
    }
  }

  @Test("Archives that lack what they must hold, or hide it, are refused")
  func archives() throws {
    let weights = RawZip.Member(
      "model.weights.h5", try member("model.weights.h5", of: "roberta.keras"))
    let configuration = RawZip.Member("config.json", try member("config.json", of: "roberta.keras"))
    func code(_ members: [RawZip.Member]) throws -> String? {
      try folder.write("made.keras", RawZip(members).bytes)
      return failureCode { try runImport(folder.file("made.keras"), into: folder, as: "made") }
    }
    #expect(try code([weights]) == "import.container-unsupported")
    #expect(try code([configuration]) == "import.container-unsupported")
    var packed = weights
    packed.method = 8
    #expect(try code([configuration, packed]) == "import.container-unsupported")
    let broken = RawZip.Member("config.json", Array("{".utf8))
    #expect(try code([broken, weights]) == "json.invalid")
    let cut = RawZip.Member("model.weights.h5", Array(weights.bytes[..<3000]))
    #expect(try code([configuration, cut]) == "hdf5.truncated")
    #expect(!folder.names.contains("made"))
    #expect(try code([configuration, weights]) == nil)
  }
}
