/// Writer of the position streams of masks (`formats/mask.md` section 3).
struct PositionStreamEncoder {
  let unitCount: Int
  /// Overrides the layout's choice; tests use small blocks.
  var blockShift: Int?

  /// The stream of ascending positions, kept within what readers accept.
  func encode(_ positions: [UInt32]) -> [UInt8] {
    let stream = encode(positions) { IndexCoding.encode($0, unitCount: $1, to: &$2) }
    if positions.count <= MaskFormat.positionLimit(streamByteCount: stream.count) {
      return stream
    }
    return encode(positions) { IndexCoding.encodeStoredBitmap($0, unitCount: $1, to: &$2) }
  }

  private typealias BlockCoding = (UnsafeBufferPointer<UInt32>, Int, inout [UInt8]) -> Void

  private func encode(_ positions: [UInt32], _ encodeBlock: BlockCoding) -> [UInt8] {
    let layout =
      blockShift.map { BlockLayout(unitCount: unitCount, shift: $0) }
      ?? BlockLayout(unitCount: unitCount, changes: positions.count, of: unitCount)
    var output = [UInt8(layout.shift)]
    var start = 0
    for block in 0..<layout.blockCount {
      let range = layout.range(of: block)
      var end = start
      while end < positions.count, Int(positions[end]) < range.upperBound { end += 1 }
      output.appendVarint(end - start)
      if end > start {
        let relative = positions[start..<end].map { $0 - UInt32(range.lowerBound) }
        relative.withUnsafeBufferPointer { encodeBlock($0, range.count, &output) }
      }
      start = end
    }
    return output
  }
}
