/// Owner of a tensor's bytes in the making.
final class TensorBuffer {
  private let bytes: UnsafeMutableRawBufferPointer

  /// Bytes that are still to be written, each of them.
  init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 16) }

  init(copying source: UnsafeRawBufferPointer) {
    bytes = .allocate(byteCount: source.count, alignment: 16)
    bytes.copyMemory(from: source)
  }

  deinit { bytes.deallocate() }

  /// Lends the bytes; the closure keeps the buffer alive.
  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    defer { withExtendedLifetime(self) {} }
    return try body(bytes)
  }
}
