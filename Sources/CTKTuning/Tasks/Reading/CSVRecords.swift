/// Records of comma-separated values with the quoting of RFC 4180.
///
/// A field may be enclosed in double quotes; inside, a quote is doubled and line
/// ends are text. Lines end with a line feed, with or without a carriage return.
struct CSVRecords: RecordCursor {
  private static let quote = UInt8(ascii: "\"")
  private static let comma = UInt8(ascii: ",")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  private let bytes: UnsafeRawBufferPointer
  private var position: Int
  private var nextLine = 1
  /// The fields of the current record without quoting, back to back.
  private var text: [UInt8] = []
  private var ends: [Int] = []
  private(set) var line = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    position = LineCursor.textStart(of: bytes)
  }

  var fieldCount: Int { ends.count }

  mutating func advance() throws(RecordFault) -> Bool {
    while takeLineEnd() {}
    guard position < bytes.count else { return false }
    line = nextLine
    text.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
    repeat {
      if peek() == Self.quote { try takeQuoted() } else { try takePlain() }
      ends.append(text.count)
    } while take(Self.comma)
    guard position == bytes.count || takeLineEnd() else {
      throw RecordFault(line: nextLine, message: "text follows a closing quote")
    }
    return true
  }

  func field(_ index: Int) -> String? {
    let start = index == 0 ? 0 : ends[index - 1]
    return String(validating: text[start..<ends[index]], as: UTF8.self)
  }

  private func peek(_ offset: Int = 0) -> UInt8? {
    position + offset < bytes.count ? bytes[position + offset] : nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func takeLineEnd() -> Bool {
    if peek() == Self.carriageReturn, peek(1) == Self.lineFeed { position += 1 }
    guard take(Self.lineFeed) else { return false }
    nextLine += 1
    return true
  }

  private mutating func takePlain() throws(RecordFault) {
    while let byte = peek(), byte != Self.comma, byte != Self.lineFeed {
      if byte == Self.quote {
        throw RecordFault(line: nextLine, message: "a quote stands inside an unquoted field")
      }
      if byte == Self.carriageReturn, peek(1) == Self.lineFeed { return }
      text.append(byte)
      position += 1
    }
  }

  private mutating func takeQuoted() throws(RecordFault) {
    let opening = nextLine
    position += 1
    while let byte = peek() {
      position += 1
      if byte == Self.quote, !take(Self.quote) { return }
      if byte == Self.lineFeed { nextLine += 1 }
      text.append(byte)
    }
    throw RecordFault(line: opening, message: "a quoted field does not end")
  }
}
