/// A bounds-checked position in a stream's bytes.
package struct ByteCursor {
  private let bytes: UnsafeRawBufferPointer
  package private(set) var position = 0

  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }
  package var isAtEnd: Bool { remaining == 0 }

  mutating func byte() throws(StreamFault) -> UInt8 {
    guard remaining > 0 else { throw .damaged("ends at byte \(position)") }
    defer { position += 1 }
    return bytes[position]
  }

  /// Reads a LEB128 number of at most nine bytes (`formats/patch.md` section 2).
  package mutating func varint() throws(StreamFault) -> Int {
    var value = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      let byte = try byte()
      value |= Int(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
    }
    throw .damaged("a number at byte \(position) is too long")
  }

  mutating func take(_ count: Int) throws(StreamFault) -> UnsafeRawBufferPointer {
    guard count <= remaining else {
      throw .damaged("needs \(count) bytes at byte \(position), has \(remaining)")
    }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }
}

extension [UInt8] {
  /// Appends a number as LEB128.
  package mutating func appendVarint(_ value: Int) {
    var rest = UInt64(value)
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
