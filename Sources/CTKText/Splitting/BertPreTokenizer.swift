/// Splits normalized text into words: white space separates them and goes, each punctuation
/// character is a word of its own (`BertPreTokenizer`).
package struct BertPreTokenizer: Sendable {
  private enum Class {
    static let letter: UInt32 = 0
    static let space: UInt32 = 1
    static let punctuation: UInt32 = 2
  }

  private static let classes: ScalarMap = {
    var builder = ScalarMapBuilder()
    builder.fill(pairs: ScalarClassRanges.punctuation, with: Class.punctuation)
    builder.fill(pairs: ScalarClassRanges.spaces, with: Class.space)
    return ScalarMap(builder)
  }()

  private let classes = Self.classes

  package init() {}

  /// Finds the next word at or after `position` and moves `position` behind it.
  ///
  /// - Parameter text: valid UTF-8.
  package func nextWord(
    in text: UnsafeBufferPointer<UInt8>, from position: inout Int
  ) -> Range<Int>? {
    let start = skipSpaces(in: text, from: position)
    if start == text.count {
      position = start
      return nil
    }
    var end = start
    while end < text.count {
      let (scalar, width) = decodeScalar(text, at: end)
      let scalarClass = classes[scalar]
      if scalarClass != Class.letter {
        if end == start { end += width }
        break
      }
      end += width
    }
    position = end
    return start..<end
  }

  private func skipSpaces(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> Int {
    var position = position
    while position < text.count {
      let (scalar, width) = decodeScalar(text, at: position)
      if classes[scalar] != Class.space { break }
      position += width
    }
    return position
  }
}
