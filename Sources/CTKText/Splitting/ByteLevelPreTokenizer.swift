/// Splits text into words the way GPT-2 does (`ByteLevel`): runs of letters, of numbers or of
/// anything else, each with one space before it; contractions; and white space.
///
/// The bytes of a word are the alphabet of the model behind it, so they stay as they are.
package struct ByteLevelPreTokenizer: Sendable {
  enum Class {
    static let other: UInt32 = 0
    static let letter: UInt32 = 1
    static let number: UInt32 = 2
    static let space: UInt32 = 3
  }

  private static let classes: ScalarMap = {
    var builder = ScalarMapBuilder()
    builder.fill(pairs: LetterRanges.letters, with: Class.letter)
    builder.fill(pairs: LetterRanges.numbers, with: Class.number)
    builder.fill(pairs: ScalarClassRanges.spaces, with: Class.space)
    return ScalarMap(builder)
  }()

  private let classes = Self.classes
  /// Puts a space before text that does not start with one.
  private let addsPrefixSpace: Bool
  /// False leaves the text in one piece.
  private let splits: Bool

  package init(addsPrefixSpace: Bool, splits: Bool = true) {
    self.addsPrefixSpace = addsPrefixSpace
    self.splits = splits
  }

  /// Gives the text with the space before it that was asked for.
  func withPrefix(
    of text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    if !addsPrefixSpace || text.first == UInt8(ascii: " ") { return body(text) }
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count + 1) { buffer in
      buffer[0] = UInt8(ascii: " ")
      _ = UnsafeMutableBufferPointer(rebasing: buffer[1...]).initialize(fromContentsOf: text)
      body(UnsafeBufferPointer(buffer))
    }
  }

  /// Finds the next word at `position` and moves `position` behind it.
  ///
  /// - Parameter text: valid UTF-8.
  package func nextWord(
    in text: UnsafeBufferPointer<UInt8>, from position: inout Int
  ) -> Range<Int>? {
    let start = position
    if start == text.count { return nil }
    position = splits ? wordEnd(in: text, from: start) : text.count
    return start..<position
  }

  private func wordEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    if let end = contractionEnd(in: text, from: start) { return end }
    let (scalarClass, next) = scalarClass(in: text, at: start)
    if text[start] == UInt8(ascii: " ") && next < text.count {
      let following = self.scalarClass(in: text, at: next).scalarClass
      if following != Class.space { return runEnd(of: following, in: text, from: next) }
    }
    let end = runEnd(of: scalarClass, in: text, from: start)
    if scalarClass != Class.space || end == text.count { return end }
    // The last white space before a word is left to that word.
    var last = end - 1
    while text[last] & 0xC0 == 0x80 { last -= 1 }
    return last == start ? end : last
  }

  @inline(__always)
  private func runEnd(
    of scalarClass: UInt32, in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Int {
    var end = start
    while end < text.count {
      let (found, next) = self.scalarClass(in: text, at: end)
      if found != scalarClass { break }
      end = next
    }
    return end
  }

  @inline(__always)
  private func scalarClass(
    in text: UnsafeBufferPointer<UInt8>, at position: Int
  ) -> (scalarClass: UInt32, end: Int) {
    let (scalar, width) = decodeScalar(text, at: position)
    return (classes[scalar], position + width)
  }

  /// The end of 's, 't, 'm, 'd, 're, 've or 'll.
  private func contractionEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard text[start] == UInt8(ascii: "'"), start + 1 < text.count else { return nil }
    let second: UInt8
    switch text[start + 1] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return start + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"): second = UInt8(ascii: "e")
    case UInt8(ascii: "l"): second = UInt8(ascii: "l")
    default: return nil
    }
    return start + 2 < text.count && text[start + 2] == second ? start + 3 : nil
  }
}
