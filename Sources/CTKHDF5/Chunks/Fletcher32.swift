/// The checksum of the `fletcher32` filter, over big-endian 16-bit words.
enum Fletcher32 {
  /// Words that can be added before the sums must be folded.
  private static let blockWordCount = 360

  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var (low, high) = (UInt32(0), UInt32(0))
    var position = 0
    while position + 1 < bytes.count {
      let end = min(position + 2 * blockWordCount, bytes.count & ~1)
      while position < end {
        low &+= UInt32(bytes[position]) << 8 | UInt32(bytes[position + 1])
        high &+= low
        position += 2
      }
      (low, high) = (fold(low), fold(high))
    }
    if position < bytes.count {
      low &+= UInt32(bytes[position]) << 8
      high &+= low
      (low, high) = (fold(low), fold(high))
    }
    return fold(high) << 16 | fold(low)
  }

  /// The form that libraries before 1.6.3 wrote on little-endian machines.
  static func withSwappedHalves(_ sum: UInt32) -> UInt32 {
    (sum & 0x00FF_00FF) << 8 | (sum & 0xFF00_FF00) >> 8
  }

  private static func fold(_ sum: UInt32) -> UInt32 { (sum & 0xFFFF) + (sum >> 16) }
}
