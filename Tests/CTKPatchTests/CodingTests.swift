import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Coding of parts and positions", .tags(.format))
struct CodingTests {
  private func positions(_ unitCount: Int, share: Double, seed: UInt64) -> [UInt32] {
    var random = SeededGenerator(seed: seed)
    return (0..<unitCount).compactMap { unit in
      share >= 1 || Double(random.next() >> 11) < share * 0x1p53 ? UInt32(unit) : nil
    }
  }

  private func decoded(
    _ bytes: [UInt8], count: Int, unitCount: Int
  ) throws -> [UInt32]? {
    try bytes.withUnsafeBytes { bytes in
      var cursor = ByteCursor(bytes)
      let positions = try IndexCoding.decode(&cursor, count: count, unitCount: unitCount)
      #expect(cursor.isAtEnd)
      return positions
    }
  }

  @Test(
    "positions return at every density",
    arguments: [0.00002, 0.001, 0.01, 0.1, 0.3, 0.9, 1.0], [1, 7, 300, 70_000, 300_000])
  func positionsReturn(share: Double, unitCount: Int) throws {
    var chosen = positions(unitCount, share: share, seed: UInt64(unitCount))
    if chosen.isEmpty { chosen = [UInt32(unitCount - 1)] }
    var bytes: [UInt8] = []
    chosen.withUnsafeBufferPointer {
      IndexCoding.encode($0, unitCount: unitCount, to: &bytes)
    }
    let found = try decoded(bytes, count: chosen.count, unitCount: unitCount)
    #expect((found ?? Array(0..<UInt32(unitCount))) == chosen)
  }

  @Test("positions of a uniform mask cost at most a tenth more than their entropy")
  func positionCost() throws {
    let unitCount = 1 << 20
    for share in [0.01, 0.1, 0.3] {
      let chosen = positions(unitCount, share: share, seed: 9)
      var bytes: [UInt8] = []
      chosen.withUnsafeBufferPointer {
        IndexCoding.encode($0, unitCount: unitCount, to: &bytes)
      }
      let bound = Entropy.subsetBits(selected: chosen.count, of: unitCount)
      #expect(8 * Double(bytes.count) < 1.1 * bound)
      #expect(8 * Double(bytes.count) > 0.99 * bound)
    }
  }

  @Test("numbers of every length return")
  func varints() throws {
    for value in [0, 1, 127, 128, 16_383, 16_384, 1 << 32, Int.max] {
      var bytes: [UInt8] = []
      bytes.appendVarint(value)
      let found = try bytes.withUnsafeBytes { bytes in
        var cursor = ByteCursor(bytes)
        return try cursor.varint()
      }
      #expect(found == value)
    }
  }

  @Test(
    "wrong positions are refused", .tags(.hostile),
    arguments: [
      // All units, but only two of three.
      ([0], 2, 3),
      // A gap that leads outside.
      ([1, 0, 3], 1, 3),
      // A bitmap that marks two units instead of one, or a unit outside.
      ([4, 0, 0b11], 1, 3), ([4, 0, 0b1000], 1, 3),
      // Reserved and unknown forms; nothing at all; a stored part that ends early.
      ([5], 1, 3), ([9], 1, 3), ([], 1, 3), ([1, 0, 0], 2, 3),
      // A deflated part whose bytes are no zlib stream.
      ([1, 1, 2, 0, 0], 1, 3), ([1, 7, 0], 1, 3),
    ] as [([UInt8], Int, Int)])
  func wrongPositions(bytes: [UInt8], count: Int, unitCount: Int) {
    #expect(throws: StreamFault.self) {
      try decoded(bytes, count: count, unitCount: unitCount)
    }
  }

  @Test("a declared count is checked against the bytes that are left", .tags(.hostile))
  func implausibleCount() {
    let bytes: [UInt8] = [1, 5, 1, 2, 3, 4, 5]
    #expect(throws: StreamFault.self) {
      try bytes.withUnsafeBytes { bytes in
        var cursor = ByteCursor(bytes)
        return try Part.decode(&cursor, count: 1 << 40)
      }
    }
  }

  @Test("a stream that inflates to more than its part is refused", .tags(.hostile))
  func inflatingBeyond() throws {
    let zeros = [UInt8](repeating: 0, count: 5000)
    var part: [UInt8] = []
    zeros.withUnsafeBufferPointer { Part.encode($0, content: .values, to: &part) }
    #expect(part.count < 100)
    for count in [1, 4999, 5001] {
      #expect(throws: StreamFault.self) {
        try part.withUnsafeBytes { bytes in
          var cursor = ByteCursor(bytes)
          return try Part.decode(&cursor, count: count)
        }
      }
    }
  }
}
