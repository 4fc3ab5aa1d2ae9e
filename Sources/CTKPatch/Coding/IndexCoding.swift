/// Positions of the coded units of a block (`formats/patch.md` section 6.3).
package enum IndexCoding {
  private static let all: UInt8 = 0
  private static let gapForms: ClosedRange<UInt8> = 1...3
  private static let bitmap: UInt8 = 4
  private static let mask: UInt8 = 5
  /// Below this share a bitmap is never the smaller form.
  private static let sparsestBitmap = 64

  /// Appends form and parts of ascending `positions`, at least one, below `unitCount`.
  package static func encode(
    _ positions: UnsafeBufferPointer<UInt32>, unitCount: Int, to output: inout [UInt8]
  ) {
    if positions.count == unitCount {
      output.append(all)
      return
    }
    var best = encodedGaps(positions)
    if positions.count * sparsestBitmap >= unitCount {
      let candidate = encodedBitmap(positions, unitCount: unitCount)
      if candidate.count < best.count { best = candidate }
    }
    output.append(contentsOf: best)
  }

  private static func encodedGaps(_ positions: UnsafeBufferPointer<UInt32>) -> [UInt8] {
    let count = positions.count
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 3 * count) { planes in
      planes.initialize(repeating: 0)
      var (next, widest): (UInt32, UInt32) = (0, 0)
      for entry in 0..<count {
        let gap = positions[entry] - next
        next = positions[entry] + 1
        widest |= gap
        planes[entry] = UInt8(truncatingIfNeeded: gap)
        planes[count + entry] = UInt8(truncatingIfNeeded: gap >> 8)
        planes[2 * count + entry] = UInt8(truncatingIfNeeded: gap >> 16)
      }
      let planeCount = widest < 1 << 8 ? 1 : widest < 1 << 16 ? 2 : 3
      var output: [UInt8] = [UInt8(planeCount)]
      for plane in 0..<planeCount {
        let bytes = UnsafeBufferPointer(rebasing: planes[plane * count..<(plane + 1) * count])
        Part.encode(bytes, content: .index, to: &output)
      }
      return output
    }
  }

  private static func encodedBitmap(
    _ positions: UnsafeBufferPointer<UInt32>, unitCount: Int
  ) -> [UInt8] {
    var output: [UInt8] = [bitmap]
    withBitmap(positions, unitCount: unitCount) {
      Part.encode($0, content: .index, to: &output)
    }
    return output
  }

  /// Appends a bitmap as it is, which no reader takes for a bomb.
  static func encodeStoredBitmap(
    _ positions: UnsafeBufferPointer<UInt32>, unitCount: Int, to output: inout [UInt8]
  ) {
    output.append(bitmap)
    withBitmap(positions, unitCount: unitCount) { Part.encodeStored($0, to: &output) }
  }

  private static func withBitmap(
    _ positions: UnsafeBufferPointer<UInt32>, unitCount: Int,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: (unitCount + 7) / 8) { bits in
      bits.initialize(repeating: 0)
      for position in positions { bits[Int(position >> 3)] |= 1 << UInt8(position & 7) }
      body(UnsafeBufferPointer(bits))
    }
  }

  /// Appends that the positions are those of a mask.
  static func encodeMasked(to output: inout [UInt8]) { output.append(mask) }

  /// Reads the positions of `count` coded units; nil when all units are coded.
  ///
  /// - Parameter masked: the mask's positions within the block, if there is a mask.
  package static func decode(
    _ cursor: inout ByteCursor, count: Int, unitCount: Int, masked: [UInt32]? = nil
  ) throws(StreamFault) -> [UInt32]? {
    switch try cursor.byte() {
    case all:
      guard count == unitCount else { throw wrongAll(count, unitCount) }
      return nil
    case let form where gapForms.contains(form):
      return try decodeGaps(&cursor, count: count, planes: Int(form), unitCount: unitCount)
    case bitmap:
      return try decodeBitmap(&cursor, count: count, unitCount: unitCount)
    case mask:
      guard let masked else { throw .needsMask }
      guard masked.count == count else {
        throw .damaged("a block codes \(count) units, of which its mask has \(masked.count)")
      }
      return masked
    case let form:
      throw .unsupported("index form \(form)")
    }
  }

  /// Skips form and parts without inflating them.
  static func skip(
    _ cursor: inout ByteCursor, count: Int, unitCount: Int
  ) throws(StreamFault) {
    switch try cursor.byte() {
    case all:
      if count != unitCount { throw wrongAll(count, unitCount) }
    case let form where gapForms.contains(form):
      for _ in 0..<form { try Part.skip(&cursor, count: count) }
    case bitmap:
      try Part.skip(&cursor, count: (unitCount + 7) / 8)
    case mask: break
    case let form:
      throw .unsupported("index form \(form)")
    }
  }

  private static func wrongAll(_ count: Int, _ unitCount: Int) -> StreamFault {
    .damaged("a block of \(unitCount) units says that all of them are \(count)")
  }

  private static func decodeGaps(
    _ cursor: inout ByteCursor, count: Int, planes: Int, unitCount: Int
  ) throws(StreamFault) -> [UInt32] {
    let low = try Part.decode(&cursor, count: count)
    let middle = planes > 1 ? try Part.decode(&cursor, count: count) : []
    let high = planes > 2 ? try Part.decode(&cursor, count: count) : []
    var positions = [UInt32](repeating: 0, count: count)
    var next: UInt32 = 0
    for entry in 0..<count {
      var gap = UInt32(low[entry])
      if planes > 1 { gap |= UInt32(middle[entry]) << 8 }
      if planes > 2 { gap |= UInt32(high[entry]) << 16 }
      // At most 2^22 + 2^24: no overflow before the check.
      let position = next + gap
      guard position < unitCount else {
        throw .damaged("position \(position) lies outside a block of \(unitCount) units")
      }
      positions[entry] = position
      next = position + 1
    }
    return positions
  }

  private static func decodeBitmap(
    _ cursor: inout ByteCursor, count: Int, unitCount: Int
  ) throws(StreamFault) -> [UInt32] {
    let bits = try Part.decode(&cursor, count: (unitCount + 7) / 8)
    let found = bits.reduce(0) { $0 + $1.nonzeroBitCount }
    let unused = (8 - unitCount % 8) % 8
    guard found == count, (bits.last ?? 0).leadingZeroBitCount >= unused else {
      throw .damaged("a bitmap of \(unitCount) units does not mark \(count) of them")
    }
    var positions: [UInt32] = []
    positions.reserveCapacity(count)
    for (index, byte) in bits.enumerated() {
      var rest = byte
      while rest != 0 {
        positions.append(UInt32(index * 8 + rest.trailingZeroBitCount))
        rest &= rest - 1
      }
    }
    return positions
  }
}
