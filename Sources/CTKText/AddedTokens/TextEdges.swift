/// Questions about the scalars beside a place in valid UTF-8.
enum TextEdges {
  /// Where the white space that ends at `position` starts.
  static func startOfSpaces(in text: UnsafeBufferPointer<UInt8>, before position: Int) -> Int {
    var start = position
    while start > 0 {
      let previous = scalarStart(before: start, in: text)
      guard scalar(in: text, at: previous).properties.isWhitespace else { break }
      start = previous
    }
    return start
  }

  /// Where the white space that starts at `position` ends.
  static func endOfSpaces(in text: UnsafeBufferPointer<UInt8>, after position: Int) -> Int {
    var end = position
    while end < text.count, scalar(in: text, at: end).properties.isWhitespace {
      end += decodeScalar(text, at: end).width
    }
    return end
  }

  static func isWordCharacter(before position: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    position > 0 && isWord(scalar(in: text, at: scalarStart(before: position, in: text)))
  }

  static func isWordCharacter(after position: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    position < text.count && isWord(scalar(in: text, at: position))
  }

  private static func scalarStart(
    before position: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var start = position - 1
    while start > 0 && text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }

  private static func scalar(
    in text: UnsafeBufferPointer<UInt8>, at position: Int
  ) -> Unicode.Scalar {
    Unicode.Scalar(decodeScalar(text, at: position).scalar) ?? "\u{FFFD}"
  }

  /// The `\w` of Unicode regular expressions (UTS #18, annex C).
  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default:
      return false
    }
  }
}
