import CTKCheckpoint
import CTKCore
import CTKHDF5
import CTKTestSupport
import Testing

/// Forms of `tf_model.h5` beside the plain one: shards, and the whole model of Keras 2.
@Suite("Files of TensorFlow's Keras", .tags(.format))
struct TensorFlowFilesTests {
  private let folder = TemporaryFolder()
  private let original: HDF5File
  private static let scope = "tf_bert_for_sequence_classification"
  private static let shards = ["tf_model-00001-of-00002.h5", "tf_model-00002-of-00002.h5"]

  init() throws {
    original = try HDF5File(path: checkpoint("bert/tf/tf_model.h5"))
    try folder.write("config.json", contents(checkpoint("bert/tf/config.json")))
  }

  /// A dataset's name without its layer group and the model's scope, as shards have it.
  private static func plainName(_ name: String) -> String {
    name.split(separator: "/").drop { $0 != scope }.dropFirst().joined(separator: "/")
  }

  private func write(
    _ path: String, _ tensors: [TensorInfo], as name: (String) -> String
  ) throws {
    let writer = try HDF5Writer(path: path)
    for info in tensors {
      try original.withTensorBytes(info.name) {
        try writer.write(name(info.name), shape: info.shape, $0)
      }
    }
    try writer.close()
  }

  /// Splits the model as transformers 4 does; the index names the scope too.
  ///
  /// - Returns: the weight map.
  private func split() throws -> JSONObject {
    let middle = original.tensors.count / 2
    var map = JSONObject()
    for (shard, part) in zip(
      Self.shards, [original.tensors[..<middle], original.tensors[middle...]])
    {
      try write(folder.file(shard), Array(part), as: Self.plainName)
      for info in part { map[Self.scope + "/" + Self.plainName(info.name)] = .string(shard) }
    }
    return map
  }

  private func writeIndex(_ map: JSONObject) throws -> String {
    let index: JSONValue = ["metadata": [:], "weight_map": .object(map)]
    return try folder.write("tf_model.h5.index.json", Array(index.compactText.utf8))
  }

  @Test("Shards are put together by their index or their folder")
  func shards() throws {
    let index = try writeIndex(try split())
    let expected = try runImport(checkpoint("bert/pt")).fingerprint
    for source in [index, folder.path] {
      let report = try runImport(source)
      #expect(report.fingerprint == expected)
      #expect(report.findings.isEmpty)
    }
  }

  @Test("What the index and the shards disagree in is named")
  func disagreement() throws {
    let map = try split()
    func code(_ change: (inout JSONObject) -> Void) throws -> String? {
      var changed = map
      change(&changed)
      let index = try writeIndex(changed)
      return failureCode { try runImport(index) }
    }
    let bias = Self.scope + "/classifier/bias:0"
    #expect(try code { $0[bias] = "../elsewhere.h5" } == "import.shard-name-unsafe")
    #expect(try code { $0[bias] = "tf_model-00003-of-00003.h5" } == "import.shard-missing")
    #expect(try code { $0[bias] = 3 } == "import.index-invalid")
    let other = map[bias]?.stringValue == Self.shards[0] ? Self.shards[1] : Self.shards[0]
    #expect(try code { $0[bias] = .string(other) } == "import.shard-tensor-missing")
    #expect(try code { $0[Self.scope + "/no/kernel:0"] = .string(other) } != nil)
    var unlisted = map
    unlisted[bias] = nil
    let report = try runImport(try writeIndex(unlisted))
    #expect(report.findings.contains { $0.contains("classifier/bias:0") })
  }

  @Test("The whole model of Keras 2 has its weights in a group, beside those of the optimizer")
  func wholeModel() throws {
    let writer = try HDF5Writer(path: folder.file("model.h5"))
    for info in original.tensors {
      try original.withTensorBytes(info.name) {
        try writer.write("model_weights/" + info.name, shape: info.shape, $0)
      }
    }
    try [Float(1)].withUnsafeBytes {
      try writer.write("optimizer_weights/Adam/classifier/bias/m:0", shape: [1], $0)
    }
    try writer.setString(
      "model_config", #"{"class_name": "Functional", "config": {"layers": []}}"#, of: "/")
    try writer.close()
    let report = try runImport(folder.file("model.h5"))
    #expect(report.fingerprint == (try runImport(checkpoint("bert/pt")).fingerprint))
    #expect(report.plan.skipped.map(\.name) == ["optimizer_weights/Adam/classifier/bias/m:0"])
  }
}
