/// Replaces each occurrence of a literal text, or each longest run of it (`Replace`).
struct LiteralReplacement: Sendable {
  let pattern: [UInt8]
  let content: [UInt8]
  /// Occurrences in a row that are replaced together: 1 replaces each on its own, n runs of
  /// at least n.
  let minimumRun: Int

  init(pattern: String, content: String, minimumRun: Int = 1) {
    self.pattern = Array(pattern.utf8)
    self.content = Array(content.utf8)
    self.minimumRun = minimumRun
  }

  /// - Returns: false where nothing changes.
  func apply(to text: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer) -> Bool {
    guard !pattern.isEmpty, var match = nextMatch(in: text, from: 0) else { return false }
    output.reset(room: text.count)
    var copied = 0
    while true {
      output.append(contentsOf: UnsafeBufferPointer(rebasing: text[copied..<match.lowerBound]))
      content.withUnsafeBufferPointer { output.append(contentsOf: $0) }
      copied = match.upperBound
      guard let next = nextMatch(in: text, from: copied) else { break }
      match = next
    }
    output.append(contentsOf: UnsafeBufferPointer(rebasing: text[copied...]))
    return true
  }

  private func nextMatch(
    in text: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Range<Int>? {
    let first = pattern[0]
    var position = start
    while position + pattern.count <= text.count {
      if text[position] == first {
        let end = runEnd(in: text, from: position)
        let count = (end - position) / pattern.count
        if count >= minimumRun {
          return position..<(minimumRun == 1 ? position + pattern.count : end)
        }
        position = max(end, position + 1)
      } else {
        position += 1
      }
    }
    return nil
  }

  /// The end of the occurrences in a row at `start`.
  private func runEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var end = start
    while end + pattern.count <= text.count,
      pattern.indices.allSatisfy({ text[end + $0] == pattern[$0] })
    {
      end += pattern.count
      if minimumRun == 1 { break }
    }
    return end
  }
}
