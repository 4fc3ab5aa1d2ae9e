import CTKCore
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// export-delta, apply, switch and revert of models that ctk does not know, from the outside.
@Suite("Changes of any model", .tags(.cli))
struct ChangeCommandTests {
  private let folder = TemporaryFolder()

  private func path(_ name: String) -> String { folder.file(name) }

  /// A folder with a configuration of no architecture that ctk has.
  private func model(_ name: String, seed: UInt64, rows: Int = 12) throws {
    var random = SeededGenerator(seed: 1)
    var changes = SeededGenerator(seed: seed)
    var tensors = TensorCollection()
    for name in ["tower.0.weight", "tower.1.weight"] {
      var values = random.floats(40 * 12)
      for index in values.indices where seed > 0 && changes.next() % 9 == 0 { values[index] += 1 }
      try tensors.set(name, shape: [40, 12], floats: values)
    }
    let words = random.floats(20 * 4)
    try tensors.set("words", shape: [rows, 4], floats: Array(words[..<(rows * 4)]))
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    var writer = try SafetensorsWriter(
      path: path(name) + "/model.safetensors", tensors: tensors.tensors)
    for info in writer.order { try tensors.withTensorBytes(info.name) { try writer.write($0) } }
    try writer.commit()
    try folder.write(
      name + "/config.json", Array("{\"model_type\":\"tower\",\"seed\":\(seed)}".utf8))
  }

  private func json(_ arguments: [String], status: Int32 = 0) throws -> JSONValue {
    let run = try CommandLineTool.run(arguments + ["--json"])
    #expect(run.status == status, "\(arguments): \(run.output) \(run.errors)")
    return try #require(try run.jsonLines.last)
  }

  private func expectSame(_ left: String, _ right: String) throws {
    #expect(try Folder.names(in: path(left)) == Folder.names(in: path(right)))
    for name in try Folder.names(in: path(right)) {
      #expect(
        try readSmallFile(path(left) + "/" + name) == readSmallFile(path(right) + "/" + name))
    }
  }

  @Test("a model goes from task to task and back, to new folders and in place")
  func flow() throws {
    for (name, seed, rows) in [("base", UInt64(0), 12), ("a", 2, 12), ("b", 3, 15)] {
      try model(name, seed: seed, rows: rows)
    }
    for name in ["a", "b"] {
      let report = try json([
        "export-delta", "--base", path("base"), "--tuned", path(name), "-o",
        path(name + ".ctkpatch"),
      ])
      #expect((report["changed"]?.intValue ?? 0) > 50)
    }
    let (first, second) = (path("a.ctkpatch"), path("b.ctkpatch"))
    let applied = try json(
      ["apply", "--base", path("base"), "--patch", first, "-o", path("made"), "--sync"])
    #expect(applied["schema"] == "ctk-apply/1")
    try expectSame("made", "a")
    let switched = try json(
      ["switch", "--model", path("made"), "--from", first, "--to", second, "-o", path("other")])
    #expect(switched["schema"] == "ctk-switch/1")
    try expectSame("other", "b")
    _ = try json(["switch", "--model", path("made"), "--from", first, "--to", second, "--in-place"])
    try expectSame("made", "b")
    _ = try json(["revert", "--model", path("made"), "--patch", second, "--in-place"])
    try expectSame("made", "base")
    let again = try json(
      ["revert", "--model", path("made"), "--patch", second, "--in-place"], status: 65)
    #expect(again["error"]?["code"] == "patch.not-applied")
    try expectSame("made", "base")
  }

  @Test("an unfinished change is refused by readers, and finished by the next command")
  func unfinished() throws {
    try model("base", seed: 0)
    try folder.write("base/ctk-journal", Array("ctkjrnl1".utf8))
    for arguments in [
      ["inspect", path("base")], ["diff", path("base"), path("base"), "--stored-names"],
    ] {
      let refused = try json(arguments, status: 65)
      #expect(refused["error"]?["code"] == "safetensors.change-unfinished")
    }
    try model("a", seed: 2)
    try folder.write("x", [])
    let damaged = try json(
      ["apply", "--base", path("base"), "--patch", path("x"), "--in-place"], status: 65)
    #expect(damaged["error"] != nil)
  }
}
