/// Ranges of bytes that are gathered until they are worth handling.
package struct PendingRanges: Sendable {
  package static let byteLimit = 32 << 20

  private var ranges: [Range<Int>] = []
  private var byteCount = 0

  package init() {}

  /// Adds a range.
  ///
  /// - Returns: everything that was gathered, once it is much, in runs as long as possible.
  package mutating func add(_ range: Range<Int>) -> [Range<Int>] {
    if range.isEmpty { return [] }
    byteCount += range.count
    ranges.append(range)
    if byteCount < Self.byteLimit { return [] }
    defer { self = PendingRanges() }
    return joined()
  }

  /// Forgets the ranges that lie within another.
  package mutating func remove(within other: Range<Int>) {
    ranges.removeAll { other.lowerBound <= $0.lowerBound && $0.upperBound <= other.upperBound }
    byteCount = ranges.reduce(0) { $0 + $1.count }
  }

  private func joined() -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = runs.last, last.upperBound >= range.lowerBound {
        runs[runs.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
      } else {
        runs.append(range)
      }
    }
    return runs
  }
}
