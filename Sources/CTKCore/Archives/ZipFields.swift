/// Little-endian numbers of one zip record, at fixed offsets.
///
/// The owner has checked that the record lies in the file.
struct ZipFields {
  let bytes: UnsafeRawBufferPointer

  func half(_ offset: Int) -> UInt16 {
    UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  func word(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  func long(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  func slice(_ start: Int, _ count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
  }
}

/// Signatures and sizes of the records (APPNOTE 4.3).
enum ZipFormat {
  static let localSignature: UInt32 = 0x0403_4B50
  static let directorySignature: UInt32 = 0x0201_4B50
  static let endSignature: UInt32 = 0x0605_4B50
  static let wideEndSignature: UInt32 = 0x0606_4B50
  static let locatorSignature: UInt32 = 0x0706_4B50

  static let localByteCount = 30
  static let directoryByteCount = 46
  static let endByteCount = 22
  static let wideEndByteCount = 56
  static let locatorByteCount = 20

  /// Tag of the extra field with 64-bit sizes.
  static let wideExtraTag: UInt16 = 1

  static let hasDescriptor: UInt16 = 1 << 3
  /// Deflate's effort, the descriptor, UTF-8 names: all that a plain archive has.
  static let knownFlags: UInt16 = 0b1000_0000_1110

  static let entryLimit = 1 << 20
  static let nameByteLimit = 4096
}
