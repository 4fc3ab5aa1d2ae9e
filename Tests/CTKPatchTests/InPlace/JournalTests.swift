import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// The hex dump in `formats/journal.md` section 7, and journals that differ from it.
@Suite("Journals", .tags(.format))
struct JournalTests {
  private let folder = TemporaryFolder()

  private func document(_ name: String) throws -> [UInt8] {
    let path = URL(filePath: Fixtures.root).appending(path: "../formats/" + name)
    let text = try String(contentsOf: path, encoding: .utf8)
    let block = try #require(text.components(separatedBy: "```hex\n").dropFirst().first)
    let lines = try #require(block.components(separatedBy: "```").first)
    return lines.split(separator: "\n").flatMap { line in
      line.split(separator: " ").dropFirst().compactMap { UInt8($0, radix: 16) }
    }
  }

  private var model: String { folder.file("model") }
  private var patch: String { folder.file("example.ctkpatch") }

  private func source(_ floats: [Float]) throws -> TensorCollection {
    var result = TensorCollection()
    try result.set("w", shape: [2, 2], floats: floats)
    return result
  }

  /// The example's base in a folder, with a journal and what it stages.
  private func prepare(_ journal: [UInt8]?) throws {
    Folder.removeTree(model)
    try Folder.create(model)
    let base = try source([0.5, -0.0, 1, 2])
    var writer = try SafetensorsWriter(path: model + "/model.safetensors", tensors: base.tensors)
    try base.withTensorBytes("w") { try writer.write($0) }
    try writer.commit()
    try folder.write("model/config.json", Array("{}\n".utf8))
    try folder.write("example.ctkpatch", try document("patch.md"))
    guard let journal else { return }
    try folder.write("model/ctk-journal", journal)
    try folder.write("model/config.json.ctk-staged", Array("{\"n\": 2}\n".utf8))
  }

  private func apply(onStep: (@Sendable () -> Void)? = nil) throws {
    var options = ApplyOptions()
    options.onStep = onStep
    _ = try PatchApplier.apply(base: model, patches: [patch], to: .inPlace, options: options)
  }

  private func expectApplied() throws {
    let file = try SafetensorsFile(path: model + "/model.safetensors")
    let words = try file.withTensorBytes("w") { Array($0) }
    #expect(try words == source([0.5, 0.0, 1, 2.0000002]).withTensorBytes("w") { Array($0) })
    #expect(try readSmallFile(model + "/config.json") == Array("{\"n\": 2}\n".utf8))
    #expect(try Folder.names(in: model) == ["config.json", "model.safetensors"])
  }

  @Test("the example's journal is carried out by the same command")
  func example() throws {
    try prepare(try document("journal.md"))
    #expect(
      code { _ = try SafetensorsCheckpoint(path: model) } == "safetensors.change-unfinished")
    #expect(
      code { _ = try SafetensorsFile(path: model + "/model.safetensors") }
        == "safetensors.change-unfinished")
    try apply()
    try expectApplied()
  }

  @Test("another command carries it out first, and then does its own work")
  func otherCommand() throws {
    try prepare(try document("journal.md"))
    _ = try PatchApplier.revert(model: model, patches: [patch], to: .inPlace)
    let floats = try source([0.5, -0.0, 1, 2])
    let found = try Fingerprint.of(try SafetensorsCheckpoint(path: model))
    #expect(found == (try Fingerprint.of(floats)))
    #expect(try readSmallFile(model + "/config.json") == Array("{}\n".utf8))
  }

  @Test("the writer writes the same bytes")
  func writer() throws {
    try prepare(nil)
    let (path, copy) = (model + "/ctk-journal", folder.file("seen"))
    try apply(onStep: {
      if Folder.fileExists(path) && !Folder.fileExists(copy) {
        try? FileManager.default.copyItem(atPath: path, toPath: copy)
      }
    })
    #expect(try readSmallFile(copy) == document("journal.md"))
    try expectApplied()
  }

  @Test("a changed byte and every truncation are refused before anything is written")
  func damage() throws {
    let journal = try document("journal.md")
    var damaged = (0..<journal.count).map { Array(journal[..<$0]) }
    for position in journal.indices {
      var bytes = journal
      bytes[position] ^= 0x21
      damaged.append(bytes)
    }
    try prepare(journal)
    let before = try readSmallFile(model + "/model.safetensors")
    for bytes in damaged {
      try folder.write("model/ctk-journal", bytes)
      #expect(code { try apply() } == "patch.journal-damaged")
    }
    #expect(try readSmallFile(model + "/model.safetensors") == before)
    #expect(try readSmallFile(model + "/config.json") == Array("{}\n".utf8))
  }

  @Test(
    "records that leave their file are refused, sealed anew",
    arguments: [
      [1, 76, 4, 2, 1], [0, 88, 4, 2, 1], [0, 76, 3, 2, 1], [0, 76, 4, 0, 1], [0, 76, 4, 2, 127],
      [0, 76, 4, 120, 1], [0, 84, 8, 1],
    ] as [[UInt8]])
  func records(head: [UInt8]) throws {
    var bytes = Array(try document("journal.md").dropLast(32 + 13)) + head
    bytes += [0, 0, 0, 0, 1, 0, 0, 64]
    bytes += Digest.of(bytes).bytes
    try prepare(bytes)
    #expect(code { try apply() } == "patch.journal-damaged")
    let file = try SafetensorsFile(
      path: model + "/model.safetensors", allowsUnfinishedChange: true)
    #expect(try Fingerprint.of(file) == Fingerprint.of(source([0.5, -0.0, 1, 2])))
  }

  @Test("a file of another size is not written to")
  func changedFile() throws {
    try prepare(try document("journal.md"))
    let path = model + "/model.safetensors"
    let bytes = try readSmallFile(path) + [0]
    try Data(bytes).write(to: URL(filePath: path))
    #expect(code { try apply() } == "file.changed")
    #expect(try readSmallFile(path) == bytes)
  }

  @Test("a journal that leads elsewhere is told, and kept")
  func wrongResult() throws {
    try prepare(try document("journal.md"))
    let path = model + "/model.safetensors"
    var bytes = try readSmallFile(path)
    bytes[bytes.count - 8] ^= 1
    try Data(bytes).write(to: URL(filePath: path))
    #expect(code { try apply() } == "patch.wrong-result")
    #expect(Folder.fileExists(model + "/ctk-journal"))
  }

  @Test("what earlier attempts left behind is removed")
  func leftovers() throws {
    try prepare(nil)
    for name in [
      "ctk-journal.partial-Ab12cd", "model.safetensors.ctk-staged",
      "other.json.ctk-staged.partial-000000", "config.json.ctk-staged",
    ] {
      try folder.write("model/" + name, [1])
    }
    try apply()
    try expectApplied()
  }
}
