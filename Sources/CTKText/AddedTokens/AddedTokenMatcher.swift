/// A part of a text: an added token, or what lies between them.
enum TextSegment {
  case token(Int32)
  case text(Range<Int>)
}

/// Finds added tokens in text, leftmost first and the longest of those.
struct AddedTokenMatcher: Sendable {
  private let tokens: [AddedToken]
  /// Positions in `tokens` by content.
  private let trie: ByteTrie
  /// Whether any token starts with a byte.
  private let startsToken: FrozenTable<Bool>

  var isEmpty: Bool { tokens.isEmpty }

  /// - Parameter tokens: what to look for, with the bytes that stand for each in the text.
  init(_ tokens: [(token: AddedToken, bytes: [UInt8])]) {
    var builder = ByteTrieBuilder()
    var starts = [Bool](repeating: false, count: 256)
    for (position, entry) in tokens.enumerated() {
      guard let first = entry.bytes.first else { continue }
      starts[Int(first)] = true
      _ = builder.insert(entry.bytes, id: Int32(position))
    }
    self.tokens = tokens.map(\.token)
    trie = ByteTrie(builder)
    startsToken = FrozenTable(starts)
  }

  /// Gives the segments of valid UTF-8 in order; together they cover all that no token takes.
  func forEachSegment(
    of text: UnsafeBufferPointer<UInt8>, _ receive: (TextSegment) -> Void
  ) {
    var covered = 0
    var position = 0
    while let match = nextMatch(in: text, from: &position) {
      let token = tokens[Int(match.id)]
      if token.isSingleWord && touchesWord(match.range, in: text) { continue }
      var (start, end) = (match.range.lowerBound, match.range.upperBound)
      if token.stripsLeft { start = max(covered, TextEdges.startOfSpaces(in: text, before: start)) }
      if token.stripsRight { end = TextEdges.endOfSpaces(in: text, after: end) }
      if covered < start { receive(.text(covered..<start)) }
      receive(.token(token.id))
      covered = end
    }
    if covered < text.count { receive(.text(covered..<text.count)) }
  }

  private func nextMatch(
    in text: UnsafeBufferPointer<UInt8>, from position: inout Int
  ) -> (id: Int32, range: Range<Int>)? {
    let startsToken = startsToken.base
    while position < text.count {
      if startsToken[Int(text[position])],
        let match = trie.longestMatch(in: text, from: position)
      {
        let range = position..<match.end
        position = match.end
        return (match.id, range)
      }
      position += 1
    }
    return nil
  }

  private func touchesWord(_ range: Range<Int>, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    TextEdges.isWordCharacter(before: range.lowerBound, in: text)
      || TextEdges.isWordCharacter(after: range.upperBound, in: text)
  }
}
