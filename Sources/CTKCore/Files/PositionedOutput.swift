#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes at given places of an open file; its owner keeps it open.
public struct PositionedOutput: Sendable {
  let path: String
  let descriptor: Int32

  /// - Parameter descriptor: open for writing, and owned by the caller.
  public init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  /// Writes bytes at an offset; disjoint ranges may be written at once.
  ///
  /// - Throws: `output.disk-full`, `output.write-failed`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CoreError) {
    var written = 0
    while let start = bytes.baseAddress, written < bytes.count {
      let count = pwrite(
        descriptor, start + written, min(bytes.count - written, 1 << 30), off_t(offset + written))
      if count < 0 {
        if errno == EINTR { continue }
        throw Output.writeError(errno, path: path)
      }
      written += count
    }
  }
}
