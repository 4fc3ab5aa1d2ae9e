/// Takes white space off the ends of a text (`Strip`).
struct EdgeStripping: Sendable {
  let left: Bool
  let right: Bool

  func strip(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    let start = left ? TextEdges.endOfSpaces(in: text, after: 0) : 0
    let rest = UnsafeBufferPointer(rebasing: text[start...])
    let end = right ? TextEdges.startOfSpaces(in: rest, before: rest.count) : rest.count
    return UnsafeBufferPointer(rebasing: rest[..<end])
  }
}
