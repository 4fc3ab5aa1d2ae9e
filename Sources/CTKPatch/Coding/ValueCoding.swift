/// Differences of the coded units of a block as byte planes
/// (`formats/patch.md` section 6.2).
enum ValueCoding {
  /// Appends one part for each byte of a unit.
  static func encode<Word: UnitWord>(
    _ differences: UnsafeBufferPointer<Word>, to output: inout [UInt8]
  ) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: differences.count) { plane in
      for shift in stride(from: 0, to: Word.bitWidth, by: 8) {
        for entry in 0..<differences.count {
          let byte = UInt8(truncatingIfNeeded: Zigzag.encode(differences[entry]) >> Word(shift))
          plane.initializeElement(at: entry, to: byte)
        }
        Part.encode(UnsafeBufferPointer(plane), content: .values, to: &output)
      }
    }
  }

  /// Reads `count` differences as words in this machine's byte order.
  static func decode<Word: UnitWord>(
    _ cursor: inout ByteCursor, count: Int, as word: Word.Type
  ) throws(StreamFault) -> [UInt8] {
    let size = Word.bitWidth / 8
    guard Part.isPlausible(count, from: cursor.remaining) else {
      throw .damaged("\(cursor.remaining) bytes cannot hold \(count) differences")
    }
    var planes = [UInt8](repeating: 0, count: count * size)
    var span = planes.mutableSpan
    try span.withUnsafeMutableBufferPointer { (buffer) throws(StreamFault) in
      for plane in 0..<size {
        let range = plane * count..<(plane + 1) * count
        try Part.decode(&cursor, into: UnsafeMutableBufferPointer(rebasing: buffer[range]))
      }
    }
    return merged(planes, count: count, as: word)
  }

  private static func merged<Word: UnitWord>(
    _ planes: [UInt8], count: Int, as _: Word.Type
  ) -> [UInt8] {
    let size = Word.bitWidth / 8
    return [UInt8](unsafeUninitializedCapacity: count * size) { buffer, written in
      let output = UnsafeMutableRawBufferPointer(buffer)
      planes.withUnsafeBufferPointer { planes in
        for entry in 0..<count {
          var zigzag: Word = 0
          for plane in 0..<size {
            zigzag |= Word(planes[plane * count + entry]) << Word(8 * plane)
          }
          output.storeBytes(
            of: Zigzag.decode(zigzag), toByteOffset: entry * size, as: Word.self)
        }
      }
      written = count * size
    }
  }
}
