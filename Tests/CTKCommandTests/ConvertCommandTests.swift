import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import CTKTorch
import Foundation
import Testing

/// `ctk convert` to other tools' formats and back.
@Suite("Other tools' sparse changes", .tags(.cli))
struct ConvertCommandTests {
  private let folder = TemporaryFolder()

  private func path(_ name: String) -> String { folder.file(name) }

  /// A model of two linear layers and a table, a fifth of whose weights move in a tuned one.
  private func model(_ name: String, isTuned: Bool, dtype: DType = .f32) throws {
    var random = SeededGenerator(seed: 1)
    var changes = SeededGenerator(seed: 2)
    var tensors = TensorCollection()
    for (name, shape) in [
      ("layer.0.query.weight", [16, 24]), ("layer.0.query.bias", [16]),
      ("layer.1.output.weight", [24, 8]), ("embeddings.weight", [12, 4]), ("cube", [3, 4, 5]),
    ] {
      var values = random.floats(shape.reduce(1, *))
      for index in values.indices where isTuned && changes.next() % 5 == 0 {
        values[index] += Float(changes.next() % 1000) / 4096 - 0.1
      }
      try tensors.set(name, shape: shape, floats: values)
    }
    if isTuned { try tensors.set("classifier.bias", shape: [2], floats: [0.5, -1]) }
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    var writer = try SafetensorsWriter(
      path: path(name) + "/model.safetensors", tensors: tensors.tensors)
    for info in writer.order { try tensors.withTensorBytes(info.name) { try writer.write($0) } }
    try writer.commit()
  }

  private func prepare() throws -> String {
    try model("base", isTuned: false)
    try model("tuned", isTuned: true)
    _ = try PatchExporter.export(
      base: try SafetensorsCheckpoint(path: path("base")),
      tuned: try SafetensorsCheckpoint(path: path("tuned")), options: ExportOptions(),
      to: path("p.ctkpatch"))
    return path("p.ctkpatch")
  }

  private func json(_ arguments: [String], status: Int32 = 0) throws -> JSONValue {
    let run = try CommandLineTool.run(arguments + ["--json"])
    #expect(run.status == status, "\(arguments): \(run.output) \(run.errors)")
    return try #require(try run.jsonLines.last)
  }

  private func convert(
    _ source: String, _ format: String, to output: String, status: Int32 = 0
  ) throws -> JSONValue {
    try json(
      ["convert", source, "--base", path("base"), "--to", format, "--output", path(output)],
      status: status)
  }

  @Test("There and back gives the same weights", arguments: ["sft", "sparse-safetensors"])
  func thereAndBack(_ format: String) throws {
    let patch = try prepare()
    let written = try convert(patch, format, to: "peer")
    #expect(written["exact"] == true && written["inexact"] == 0)
    let back = try convert(path("peer"), "ctk", to: "back.ctkpatch")
    #expect(back["source_format"]?.stringValue == format && back["base_checked"] == false)
    let tuned = try Fingerprint.of(try SafetensorsCheckpoint(path: path("tuned")))
    #expect(back["target_fingerprint"]?.stringValue == tuned.hex)
    #expect(written["changed"]?.intValue ?? 0 > 50)
  }

  @Test("composable-sft's file holds what its own program decodes")
  func sparseFineTuning() throws {
    let patch = try prepare()
    let written = try convert(patch, "sft", to: "sft")
    #expect(written["whole"] == ["classifier.bias"])
    let file = try TorchFile(path: path("sft/pytorch_diff.bin"))
    let base = try SafetensorsCheckpoint(path: path("base"))
    let tuned = try SafetensorsCheckpoint(path: path("tuned"))
    for name in ["layer.0.query.weight", "cube", "layer.0.query.bias"] {
      let shape = try #require(base.info(of: name)?.shape)
      #expect(file.integerLists["diffs/\(name)/size"] == shape)
      let steps = try #require(file.integerLists["diffs/\(name)/index_steps"])
      var values = try floats(name, of: base)
      let added = try floats("diffs/\(name)/values", of: file)
      #expect(added.count == steps.count)
      var position = 0
      for (step, difference) in zip(steps, added) {
        position += step
        // The first axis counts fastest.
        var (rest, index) = (position, 0)
        let coordinates = shape.map { extent in
          defer { rest /= extent }
          return rest % extent
        }
        for (extent, coordinate) in zip(shape, coordinates) { index = index * extent + coordinate }
        values[index] += difference
      }
      #expect(try values == floats(name, of: tuned), "\(name)")
    }
    #expect(try floats("abs/classifier.bias", of: file) == [0.5, -1])
  }

  @Test("What a difference of floats cannot reach is counted and said")
  func inexact() throws {
    var tensors = TensorCollection()
    try tensors.set("w.weight", shape: [2, 1], floats: [1e30, 1])
    try write(tensors, "base")
    try tensors.set("w.weight", shape: [2, 1], floats: [1, -0.0])
    try write(tensors, "tuned")
    _ = try PatchExporter.export(
      base: try SafetensorsCheckpoint(path: path("base")),
      tuned: try SafetensorsCheckpoint(path: path("tuned")), options: ExportOptions(),
      to: path("p.ctkpatch"))
    let written = try convert(path("p.ctkpatch"), "sft", to: "sft")
    #expect(written["exact"] == false && written["inexact"] == 2)
    #expect(written["largest_error"]?.doubleValue == 1)
    let run = try CommandLineTool.run([
      "convert", path("sft"), "--base", path("base"), "--to", "ctk", "--output", path("q"),
    ])
    #expect(run.output.contains("one addition each"))
  }

  private func write(_ tensors: TensorCollection, _ name: String) throws {
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    var writer = try SafetensorsWriter(
      path: path(name) + "/model.safetensors", tensors: tensors.tensors)
    for info in writer.order { try tensors.withTensorBytes(info.name) { try writer.write($0) } }
    try writer.commit()
  }

  @Test(
    "Files that do not fit the base are refused",
    arguments: [
      ("w", [2, 3], [0, 6], "peer.damaged"), ("w", [3, 2], [0, 1], "peer.damaged"),
      ("w", [2, 3], [1, 0], "peer.damaged"), ("w", [2, 3], [0, Int.max], "peer.damaged"),
      ("x", [2, 3], [0, 1], "peer.tensor-unknown"), ("w", [2, 3], [0], "peer.damaged"),
    ])
  func hostile(_ name: String, _ size: [Int], _ steps: [Int], _ code: String) throws {
    var tensors = TensorCollection()
    try tensors.set("w", shape: [2, 3], floats: [0, 1, 2, 3, 4, 5])
    try write(tensors, "base")
    var pickle = PickleWriter()
    try pickle.dictionary { pickle in
      pickle.text("diffs")
      try pickle.dictionary { pickle in
        pickle.text(name)
        try pickle.dictionary { pickle in
          pickle.text("size")
          pickle.size(size)
          pickle.text("index_steps")
          pickle.list(steps.map { $0 == .max ? 1 << 40 : $0 })
          pickle.text("values")
          try pickle.tensor(try TensorInfo(name: "v", dtype: .f32, shape: [2]), storage: "0")
        }
      }
    }
    var writer = try TorchWriter(path: path("pytorch_diff.bin"))
    try writer.addPickle(pickle.finish())
    try writer.addStorage("0", [UInt8](repeating: 0, count: 8))
    try writer.commit()
    let error = try convert(path("pytorch_diff.bin"), "ctk", to: "p.ctkpatch", status: 65)
    #expect(error["error"]?["code"]?.stringValue == code)
    #expect(!folder.names.contains("p.ctkpatch"))
  }

  @Test("Other pickles are refused by what they hold")
  func otherPickle() throws {
    _ = try prepare()
    let other = Fixtures.path("torch/protocol-2.pt")
    let error = try convert(other, "ctk", to: "q.ctkpatch", status: 65)
    #expect(error["error"]?["code"] == "peer.damaged")
  }

  private func floats(_ name: String, of source: any TensorSource) throws -> [Float] {
    try source.withTensorBytes(name) { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}
