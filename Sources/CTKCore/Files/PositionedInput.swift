#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Reads at given places of an open file; its owner keeps it open.
public struct PositionedInput: Sendable {
  let path: String
  let descriptor: Int32

  /// - Parameter descriptor: open for reading, and owned by the caller.
  public init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  /// Fills memory with the bytes from an offset on.
  ///
  /// - Throws: `file.unreadable`, also where the file ends before.
  public func read(into bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(CoreError) {
    var done = 0
    while let start = bytes.baseAddress, done < bytes.count {
      let count = pread(
        descriptor, start + done, min(bytes.count - done, 1 << 30), off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw CoreError(
          .fileUnreadable, count < 0 ? errnoText(errno) : "the file ends too early", path: path)
      }
      done += count
    }
  }
}
