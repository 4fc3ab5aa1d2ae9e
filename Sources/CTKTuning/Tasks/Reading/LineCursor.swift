/// The lines of a buffer, numbered from 1, without a byte order mark, line feeds
/// and the carriage returns before them.
///
/// Valid while the buffer is.
struct LineCursor {
  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  private let bytes: UnsafeRawBufferPointer
  private let skipsEmptyLines: Bool
  private var position: Int
  /// Number of the line that `next()` returned last.
  private(set) var number = 0

  init(_ bytes: UnsafeRawBufferPointer, skipsEmptyLines: Bool = true) {
    self.bytes = bytes
    self.skipsEmptyLines = skipsEmptyLines
    position = Self.textStart(of: bytes)
  }

  /// Where the text begins: behind a byte order mark if there is one.
  static func textStart(of bytes: UnsafeRawBufferPointer) -> Int {
    bytes.starts(with: byteOrderMark) ? byteOrderMark.count : 0
  }

  /// The next line, or the next that is not empty.
  mutating func next() -> UnsafeRawBufferPointer? {
    while position < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
      var count = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.count
      position += count + 1
      number += 1
      if count > 0, rest[count - 1] == UInt8(ascii: "\r") { count -= 1 }
      if count > 0 || !skipsEmptyLines {
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
      }
    }
    return nil
  }
}
