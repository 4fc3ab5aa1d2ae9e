/// Owner of the bytes of one decoded tensor or chunk.
struct ByteBuffer: ~Copyable, Sendable {
  let byteCount: Int
  private let address: UInt

  /// Uninitialised bytes, which take memory only once they are written.
  init(byteCount: Int) {
    self.byteCount = byteCount
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
    address = UInt(bitPattern: bytes.baseAddress)
  }

  deinit { UnsafeMutableRawPointer(bitPattern: address)?.deallocate() }

  /// The bytes, valid as long as the owner lives.
  var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: address), count: byteCount)
  }
}
