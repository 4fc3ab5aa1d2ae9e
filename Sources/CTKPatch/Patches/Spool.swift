import CTKCore
import CTKSafetensors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Bytes of streams whose sizes must be known before the file that will hold
/// them can be begun, kept in an unnamed file beside it.
struct Spool: ~Copyable {
  private static let bufferByteCount = 1 << 20

  private let path: String
  private let descriptor: Int32
  private var pending: [UInt8] = []
  private(set) var byteCount = 0

  /// - Parameter path: the output to come.
  /// - Throws: `output.cannot-create`.
  init(beside path: String) throws(PatchError) {
    var template = Array((path + ".spool-XXXXXX").utf8CString)
    let file = mkstemp(&template)
    if file < 0 {
      let reason = errnoText(errno)
      throw PatchError(
        wrapping: CoreError(
          .outputCannotCreate, "cannot create a file here: \(reason)", path: path))
    }
    unlink(template)
    self.path = path
    descriptor = file
  }

  deinit { close(descriptor) }

  /// - Throws: `output.disk-full`, `output.write-failed`.
  mutating func append(_ bytes: [UInt8]) throws(PatchError) {
    pending.append(contentsOf: bytes)
    byteCount += bytes.count
    if pending.count >= Self.bufferByteCount { try flush() }
  }

  private mutating func flush() throws(PatchError) {
    var written = 0
    while written < pending.count {
      let count = pending.withUnsafeBytes { bytes in
        bytes.baseAddress.map { write(descriptor, $0 + written, bytes.count - written) } ?? 0
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw failure(errno == ENOSPC || errno == EDQUOT ? .outputDiskFull : .outputWriteFailed)
      }
      written += count
    }
    pending.removeAll(keepingCapacity: true)
  }

  /// Copies everything to a writer.
  ///
  /// - Throws: `file.unreadable`, and the codes of the writer.
  mutating func copy(to writer: inout SafetensorsWriter) throws(PatchError) {
    try flush()
    var buffer = [UInt8](repeating: 0, count: min(Self.bufferByteCount, byteCount))
    var position = 0
    while position < byteCount {
      let count = buffer.withUnsafeMutableBytes { bytes in
        pread(descriptor, bytes.baseAddress, bytes.count, off_t(position))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(.fileUnreadable) }
      position += count
      do {
        try buffer.span.withUnsafeBytes { (bytes) throws(SafetensorsError) in
          try writer.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        }
      } catch {
        throw PatchError(wrapping: error)
      }
    }
  }

  private func failure(_ code: CoreErrorCode) -> PatchError {
    PatchError(
      wrapping: CoreError(code, "the temporary file failed: \(errnoText(errno))", path: path))
  }
}
