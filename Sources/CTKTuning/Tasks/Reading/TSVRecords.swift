/// Records of tab-separated lines; quotes are literal text.
struct TSVRecords: RecordCursor {
  private var lines: LineCursor
  private var current = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Where each field of the current line ends.
  private var ends: [Int] = []

  init(_ bytes: UnsafeRawBufferPointer) { lines = LineCursor(bytes) }

  var line: Int { lines.number }
  var fieldCount: Int { ends.count }

  mutating func advance() -> Bool {
    guard let next = lines.next() else { return false }
    current = next
    ends.removeAll(keepingCapacity: true)
    for position in next.indices where next[position] == UInt8(ascii: "\t") {
      ends.append(position)
    }
    ends.append(next.count)
    return true
  }

  func field(_ index: Int) -> String? {
    let start = index == 0 ? 0 : ends[index - 1] + 1
    return String(validating: current[start..<ends[index]], as: UTF8.self)
  }
}
