import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// `formats/patch.md` sections 4.8 and 4.9.
@Suite("Tables as a stream", .tags(.format))
struct PackedTablesTests {
  private let folder = TemporaryFolder()

  private func export(tensorCount: Int) throws -> (
    path: String, base: TensorCollection, tuned: TensorCollection
  ) {
    var (base, tuned) = (TensorCollection(), TensorCollection())
    for index in 0..<tensorCount {
      let floats = [Float](repeating: Float(index), count: 20)
      try base.set("layer.\(index).weight", shape: [4, 5], floats: floats)
      try tuned.set("layer.\(index).weight", shape: [4, 5], floats: floats.map { $0 + 1 })
    }
    let path = folder.file("\(tensorCount)")
    _ = try PatchExporter.export(
      base: base, tuned: tuned,
      files: [ChangedFile(name: "config.json", before: [1], after: [2, 3])], to: path)
    return (path, base, tuned)
  }

  @Test("long tables are a stream, short ones are metadata; both work")
  func choice() throws {
    for (count, version) in [(3, "1"), (60, "3")] {
      let (path, base, tuned) = try export(tensorCount: count)
      let file = try SafetensorsFile(path: path)
      #expect(file.metadata["version"] == version)
      #expect((file.metadata["tensors"] == nil) == (version == "3"))
      let isJoined = file.tensors.map(\.name) == ["payload", "tables"]
      #expect(isJoined == (version == "3"))
      let patch = try PatchFile(path: path)
      #expect(patch.header.entries.count == count)
      #expect(try PatchVerifier.verify(patch, base: base, tuned: tuned).isOK)
    }
  }

  @Test("tables of a hundred tensors take little more than their digests")
  func size() throws {
    let path = try export(tensorCount: 100).path
    let file = try SafetensorsFile(path: path)
    let byteCount = file.tensors.reduce(0) { $0 + $1.byteCount }
    let header = try Data(contentsOf: URL(filePath: path)).count - byteCount
    #expect(header < 1000)
    #expect(try #require(file.info(of: "tables")).byteCount < 100 * (2 * 32 + 16))
  }

  @Test(
    "every changed byte of the tables is refused when the patch is opened", .tags(.hostile),
    arguments: [false, true])
  func flips(joined: Bool) throws {
    let path =
      joined
      ? try export(tensorCount: 40).path : Fixtures.path("patches/v2/masked-deflate.ctkpatch")
    #expect(throws: Never.self) { try PatchFile(path: path) }
    let file = try SafetensorsFile(path: path)
    let bytes = Array(try Data(contentsOf: URL(filePath: path)))
    let stream = try file.withTensorBytes("tables") { Array($0) }
    let start = try #require(
      (0...bytes.count - stream.count).first { bytes[$0..<$0 + stream.count].elementsEqual(stream) }
    )
    for position in start..<start + stream.count {
      var damaged = bytes
      damaged[position] ^= 0x10
      let other = try folder.write("damaged", damaged)
      #expect(throws: PatchError.self) { try PatchFile(path: other) }
    }
  }
}
