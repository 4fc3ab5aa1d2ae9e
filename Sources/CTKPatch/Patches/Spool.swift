import CTKCore
import CTKSafetensors
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Bytes of streams whose sizes must be known before the file that will hold
/// them can be begun, kept in an unnamed file beside it.
///
/// Several threads may append at once.
final class Spool: Sendable {
  static let bufferByteCount = 1 << 20

  private let path: String
  private let descriptor: Int32
  private let end = Atomic<Int>(0)

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

  /// Appends bytes and tells where they lie.
  ///
  /// - Throws: `output.disk-full`, `output.write-failed`.
  func append(_ bytes: [UInt8]) throws(PatchError) -> Range<Int> {
    let start = end.wrappingAdd(bytes.count, ordering: .relaxed).oldValue
    try PatchError.wrap { () throws(CoreError) in
      try bytes.span.withUnsafeBytes { (bytes) throws(CoreError) in
        try PositionedOutput(path: path, descriptor: descriptor).write(bytes, at: start)
      }
    }
    return start..<start + bytes.count
  }

  /// Copies a range to a writer.
  ///
  /// - Throws: `file.unreadable`, and the codes of the writer.
  func copy(_ range: Range<Int>, to writer: inout SafetensorsWriter) throws(PatchError) {
    var buffer = [UInt8](repeating: 0, count: min(Self.bufferByteCount, range.count))
    var position = range.lowerBound
    while position < range.upperBound {
      let wanted = min(buffer.count, range.upperBound - position)
      try PatchError.wrap { () throws(CoreError) in
        var span = buffer.mutableSpan
        try span.withUnsafeMutableBytes { (bytes) throws(CoreError) in
          try PositionedInput(path: path, descriptor: descriptor).read(
            into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<wanted]), at: position)
        }
      }
      position += wanted
      do {
        try buffer.span.withUnsafeBytes { (bytes) throws(SafetensorsError) in
          try writer.write(UnsafeRawBufferPointer(rebasing: bytes[..<wanted]))
        }
      } catch {
        throw PatchError(wrapping: error)
      }
    }
  }
}
