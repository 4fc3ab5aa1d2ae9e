import CTKCore
import CTKTensorBundle
import CTKTestSupport
import Testing

/// Index files put together by hand, with sound checksums.
@Suite("Made index files", .tags(.format, .hostile))
struct MadeIndexTests {
  private let folder = TemporaryFolder()
  private static let header = RawTable.message([(1, .number(1))])

  private func failure(
    _ entries: [(String, [UInt8])], blockType: UInt8 = 0, dataByteCount: Int = 64
  ) throws -> String? {
    let table = RawTable(
      entries: entries.map { (Array($0.0.utf8), $0.1) }, blockType: blockType)
    try folder.write("x.index", table.bytes)
    try folder.write("x.data-00000-of-00001", [UInt8](repeating: 0, count: dataByteCount))
    do {
      _ = try TensorBundle(path: folder.file("x"))
      return nil
    } catch {
      return error.code
    }
  }

  private func floats(
    _ shape: [Int], offset: Int = 0, byteCount: Int, type: Int = 1, shard: Int = 0
  ) -> [UInt8] {
    let dimensions = shape.map { extent in
      (2, RawTable.Field.bytes(RawTable.message([(1, .number(extent))])))
    }
    return RawTable.message([
      (1, .number(type)), (2, .bytes(RawTable.message(dimensions))), (3, .number(shard)),
      (4, .number(offset)), (5, .number(byteCount)),
    ])
  }

  @Test func aSoundIndexIsRead() throws {
    #expect(try failure([("", Self.header), ("w", floats([2, 3], byteCount: 24))]) == nil)
    #expect(try failure([("", Self.header)]) == nil)
  }

  @Test func contradictionsAreRefused() throws {
    let w = floats([2, 3], byteCount: 24)
    #expect(try failure([("w", w)]) == "bundle.not-a-bundle")
    #expect(try failure([("", Self.header), ("w", w), ("v", w)]) == "bundle.damaged")
    #expect(try failure([("", Self.header), ("w", w), ("w", w)]) == "bundle.damaged")
    #expect(
      try failure([("", Self.header), ("w", floats([2], byteCount: 24))]) == "bundle.damaged")
    #expect(
      try failure([("", Self.header), ("v", w), ("w", floats([1], offset: 20, byteCount: 4))])
        == "bundle.range-invalid")
    #expect(
      try failure([("", Self.header), ("w", floats([16], offset: 4, byteCount: 64))])
        == "bundle.range-invalid")
    #expect(
      try failure([("", Self.header), ("w", floats([1], byteCount: 4, shard: 1))])
        == "bundle.damaged")
    #expect(
      try failure([("", Self.header), ("w", floats([1], offset: -4, byteCount: 4))])
        == "bundle.damaged")
    #expect(
      try failure([("", Self.header), ("w", floats([1 << 40, 1 << 40], byteCount: 4))])
        == "shape.overflow")
    #expect(
      try failure([("", Self.header), ("w", floats([1], byteCount: 4, type: 20))])
        == "bundle.dtype-unsupported")
  }

  @Test func otherWritersAreRefusedByName() throws {
    let bigEndian = RawTable.message([(1, .number(1)), (2, .number(1))])
    #expect(try failure([("", bigEndian)]) == "bundle.unsupported")
    let newer = RawTable.message([
      (1, .number(1)), (3, .bytes(RawTable.message([(2, .number(2))]))),
    ])
    #expect(try failure([("", newer)]) == "bundle.unsupported")
    #expect(try failure([("", Self.header)], blockType: 1) == "bundle.unsupported")
  }

  @Test func limitsHold() throws {
    let manyShards = RawTable.message([(1, .number(100_000))])
    #expect(try failure([("", manyShards)]) == "bundle.limit-exceeded")
    let deep = floats([Int](repeating: 1, count: 65), byteCount: 4)
    #expect(try failure([("", Self.header), ("w", deep)]) == "bundle.limit-exceeded")
    let longName = String(repeating: "n", count: 1025)
    #expect(
      try failure([("", Self.header), (longName, floats([1], byteCount: 4))])
        == "bundle.limit-exceeded")
  }
}
