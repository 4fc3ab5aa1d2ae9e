/// The Castagnoli CRC-32, eight bytes at a time, and the masked form that tables store.
enum CRC32C {
  /// The stored form: a checksum of bytes that hold checksums would be weak.
  static func masked(_ checksum: UInt32) -> UInt32 {
    (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }

  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var checksum = UInt32.max
      var position = 0
      while position + 8 <= bytes.count {
        let word = UInt64(
          littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        let mixed = word ^ UInt64(checksum)
        checksum = 0
        for lane in 0..<8 {
          let byte = Int(truncatingIfNeeded: mixed >> UInt64(8 * lane)) & 0xFF
          checksum ^= tables[(7 - lane) << 8 | byte]
        }
        position += 8
      }
      while position < bytes.count {
        checksum = checksum >> 8 ^ tables[Int((checksum ^ UInt32(bytes[position])) & 0xFF)]
        position += 1
      }
      return ~checksum
    }
  }

  /// Table `n` at `n << 8`: the effect of a byte that `n` more bytes follow.
  private static let tables: [UInt32] = {
    let polynomial: UInt32 = 0x82F6_3B78
    var tables = [UInt32](repeating: 0, count: 8 << 8)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 != 0 ? value >> 1 ^ polynomial : value >> 1 }
      tables[byte] = value
    }
    for index in 256..<tables.count {
      let previous = tables[index - 256]
      tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
    }
    return tables
  }()
}
