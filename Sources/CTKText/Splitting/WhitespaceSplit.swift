/// Splits text at white space, which goes (`WhitespaceSplit`).
struct WhitespaceSplit: Sendable {
  private static let spaces: ScalarMap = {
    var builder = ScalarMapBuilder()
    builder.fill(pairs: ScalarClassRanges.spaces, with: 1)
    return ScalarMap(builder)
  }()

  private let spaces = Self.spaces

  /// Finds the next word at or after `position` and moves `position` behind it.
  func nextWord(
    in text: UnsafeBufferPointer<UInt8>, from position: inout Int
  ) -> Range<Int>? {
    let start = skip(in: text, from: position, spaces: true)
    position = skip(in: text, from: start, spaces: false)
    return start == position ? nil : start..<position
  }

  private func skip(
    in text: UnsafeBufferPointer<UInt8>, from start: Int, spaces wanted: Bool
  ) -> Int {
    var position = start
    while position < text.count {
      let (scalar, width) = decodeScalar(text, at: position)
      if (spaces[scalar] == 1) != wanted { break }
      position += width
    }
    return position
  }
}
