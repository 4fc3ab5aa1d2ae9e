/// Writes spaces as a visible character and splits before each (`Metaspace`).
struct Metaspace: Sendable {
  /// Where the character is put before text that does not start with it.
  enum Prepending: String, Sendable {
    case always
    /// Only at the start of a text, not after an added token or a split.
    case first
    case never
  }

  let replacement: [UInt8]
  let prepending: Prepending
  /// False leaves the text in one piece.
  let splits: Bool

  /// Gives the text with its spaces replaced.
  func withReplacements(
    in text: UnsafeBufferPointer<UInt8>, isStart: Bool,
    _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    let space = UInt8(ascii: " ")
    let spaceCount = text.count { $0 == space }
    let isPrefixed =
      prepending == .always || prepending == .first && isStart
    let prepends =
      isPrefixed && text.first != space && !startsWithReplacement(text, at: 0)
    let capacity =
      text.count + spaceCount * (replacement.count - 1) + (prepends ? replacement.count : 0)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
      var count = 0
      func append(_ byte: UInt8) {
        buffer[count] = byte
        count += 1
      }
      if prepends { replacement.forEach(append) }
      for byte in text {
        if byte == space { replacement.forEach(append) } else { append(byte) }
      }
      body(UnsafeBufferPointer(rebasing: buffer[..<count]))
    }
  }

  /// Finds the next word at `position` and moves `position` behind it.
  func nextWord(
    in text: UnsafeBufferPointer<UInt8>, from position: inout Int
  ) -> Range<Int>? {
    let start = position
    if start == text.count { return nil }
    position = text.count
    guard splits else { return start..<position }
    for end in start + 1..<max(start + 1, text.count)
    where text[end] == replacement[0] && startsWithReplacement(text, at: end) {
      position = end
      break
    }
    return start..<position
  }

  private func startsWithReplacement(
    _ text: UnsafeBufferPointer<UInt8>, at position: Int
  ) -> Bool {
    position + replacement.count <= text.count
      && replacement.indices.allSatisfy { text[position + $0] == replacement[$0] }
  }
}
