/// Reader of the position streams of masks (`formats/mask.md` section 3).
struct PositionStreamDecoder {
  let codec: PatchCodec
  let unitCount: Int
  /// Positions that the stream must have.
  let count: Int

  func decode(_ bytes: UnsafeRawBufferPointer) throws(StreamFault) -> [UInt32] {
    guard count <= MaskFormat.positionLimit(streamByteCount: bytes.count) else {
      throw .damaged("\(bytes.count) bytes must not hold \(count) positions")
    }
    var cursor = ByteCursor(bytes)
    let layout = try BlockLayout(unitCount: unitCount, cursor: &cursor)
    var positions: [UInt32] = []
    positions.reserveCapacity(count)
    for index in 0..<layout.blockCount {
      try readBlock(&cursor, layout.range(of: index), &positions)
    }
    if !cursor.isAtEnd { throw .damaged("\(cursor.remaining) bytes follow its end") }
    guard positions.count == count else {
      throw .damaged("holds \(positions.count) positions, not \(count)")
    }
    return positions
  }

  private func readBlock(
    _ cursor: inout ByteCursor, _ units: Range<Int>, _ positions: inout [UInt32]
  ) throws(StreamFault) {
    let head = try cursor.varint()
    if head == 0 { return }
    let relative: [UInt32]?
    switch codec {
    case .deflate:
      try require(head, after: positions, in: units)
      relative = try IndexCoding.decode(&cursor, count: head, unitCount: units.count)
    case .context:
      let block = try ContextBlockDecoder(try cursor.take(head), units: units, unit: .byte)
      try require(block.count, after: positions, in: units)
      relative = try block.selection()
    }
    let first = UInt32(units.lowerBound)
    if let relative {
      for position in relative { positions.append(first + position) }
    } else {
      for position in units { positions.append(UInt32(position)) }
    }
  }

  /// Refuses what a block declares before it is decoded.
  private func require(
    _ own: Int, after positions: [UInt32], in units: Range<Int>
  ) throws(StreamFault) {
    guard own <= units.count else {
      throw .damaged("a block of \(units.count) units codes \(own)")
    }
    guard own <= count - positions.count else {
      throw .damaged("holds more than its \(count) positions")
    }
  }
}
