import CTKCore
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite("Writing", .tags(.format))
struct SafetensorsWriterTests {
  private let folder = TemporaryFolder()

  @Test(
    "A file of the reference library comes out byte for byte",
    arguments: ["bert/pt", "bert/pt-base", "bert/f16", "bert/bf16", "bert-regression/pt"])
  func matchesReferenceWriter(_ name: String) throws {
    let path = Fixtures.path("checkpoints/\(name)/model.safetensors")
    let copy = folder.file("copy.safetensors")
    try rewrite(try SafetensorsFile(path: path), to: copy, pieceByteCount: 1 << 20)
    #expect(try contents(copy) == contents(path))
  }

  @Test("Pieces may end anywhere", arguments: [1, 7, 4096])
  func piecesDoNotMatter(pieceByteCount: Int) throws {
    let source = try mixedTensors()
    try rewrite(source, to: folder.file("whole"), pieceByteCount: 1 << 20)
    try rewrite(source, to: folder.file("pieces"), pieceByteCount: pieceByteCount)
    #expect(try contents(folder.file("whole")) == contents(folder.file("pieces")))
  }

  @Test func roundTrip() throws {
    let source = try mixedTensors()
    let path = folder.file("mixed")
    let metadata = ["format": "pt", "a\"\u{1}": "\u{1F600}\n"]
    try rewrite(source, to: path, metadata: metadata, pieceByteCount: 64)
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata == metadata)
    #expect(file.tensors == source.tensors)
    for info in source.tensors {
      #expect(try file.bytes(of: info.name) == source.bytes(of: info.name))
    }
    #expect(try contents(path).count % 8 == source.tensors.reduce(0) { $0 + $1.byteCount } % 8)
  }

  @Test func orderOfInputDoesNotMatter() throws {
    let tensors = try mixedTensors().tensors
    let one = try SafetensorsWriter(path: folder.file("a"), tensors: tensors).order
    let other = try SafetensorsWriter(path: folder.file("b"), tensors: tensors.reversed()).order
    #expect(one == other)
    #expect(one.map(\.dtype.alignmentRank) == one.map(\.dtype.alignmentRank).sorted(by: >))
  }

  @Test func missingBytesLeaveTheTargetAlone() throws {
    let path = try folder.write("target", [42])
    let tensors = [try TensorInfo(name: "a", dtype: .f32, shape: [2])]
    let code = failureCode {
      var writer = try SafetensorsWriter(path: path, tensors: tensors, replacesExisting: true)
      try [UInt8](repeating: 1, count: 7).withUnsafeBytes { try writer.write($0) }
      try writer.commit()
    }
    #expect(code == "safetensors.write-incomplete")
    #expect(try contents(path) == [42])
    #expect(folder.names == ["target"])
  }

  @Test func tooManyBytesAreRefused() throws {
    let tensors = [try TensorInfo(name: "a", dtype: .u8, shape: [2])]
    let code = failureCode {
      var writer = try SafetensorsWriter(path: folder.file("a"), tensors: tensors)
      try [UInt8](repeating: 1, count: 3).withUnsafeBytes { try writer.write($0) }
    }
    #expect(code == "safetensors.write-overrun")
    #expect(folder.names.isEmpty)
  }

  @Test func impossibleNamesAreRefused() throws {
    let twice = try TensorInfo(name: "a", dtype: .u8, shape: [2])
    let reserved = try TensorInfo(name: "__metadata__", dtype: .u8, shape: [2])
    let path = folder.file("a")
    #expect(
      failureCode { _ = try SafetensorsWriter(path: path, tensors: [twice, twice]).order }
        == "safetensors.duplicate-key")
    #expect(
      failureCode { _ = try SafetensorsWriter(path: path, tensors: [reserved]).order }
        == "safetensors.name-reserved")
    #expect(folder.names.isEmpty)
  }

  @Test func existingFileIsKeptUnlessAllowed() throws {
    let path = try folder.write("target", [42])
    #expect(
      failureCode { _ = try SafetensorsWriter(path: path, tensors: []).order } == "output.exists")
    let writer = try SafetensorsWriter(path: path, tensors: [], replacesExisting: true)
    try writer.commit()
    #expect(try SafetensorsFile(path: path).tensors.isEmpty)
  }

  private func mixedTensors() throws -> TensorCollection {
    var generator = SeededGenerator(seed: 3)
    var collection = TensorCollection()
    let shapes: [(String, DType, [Int])] = [
      ("z.weight", .f32, [3, 5]), ("a.bias", .bf16, [7]), ("\u{E9}", .i64, []),
      ("empty", .f16, [0, 4]), ("b", .u8, [1]), ("a", .f32, [2]),
    ]
    for (name, dtype, shape) in shapes {
      let info = try TensorInfo(name: name, dtype: dtype, shape: shape)
      let bytes = (0..<info.byteCount).map { _ in UInt8.random(in: 0...255, using: &generator) }
      try collection.set(name, dtype: dtype, shape: shape, bytes: bytes)
    }
    return collection
  }

  private func rewrite(
    _ source: some TensorSource, to path: String, metadata: [String: String] = ["format": "pt"],
    pieceByteCount: Int
  ) throws {
    var writer = try SafetensorsWriter(path: path, tensors: source.tensors, metadata: metadata)
    var bytes: [UInt8] = []
    for info in writer.order { bytes += try source.bytes(of: info.name) }
    try bytes.withUnsafeBytes { all in
      for start in stride(from: 0, to: all.count, by: pieceByteCount) {
        let end = min(start + pieceByteCount, all.count)
        try writer.write(UnsafeRawBufferPointer(rebasing: all[start..<end]))
      }
    }
    try writer.commit()
  }
}
