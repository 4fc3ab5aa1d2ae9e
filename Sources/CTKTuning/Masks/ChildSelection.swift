/// Exact choice of the k best entries of a score vector.
package enum ChildSelection {
  /// Which end of the scores is chosen.
  package enum Order: Sendable {
    case highest
    case lowest
  }

  /// The number of entries a keep ratio selects: its product with the count, rounded
  /// to nearest, at least one.
  package static func selectedCount(keep: Double, of count: Int) -> Int {
    max(1, min(count, Int((keep * Double(count)).rounded())))
  }

  /// Marks exactly `count` entries; ties go to the lower position.
  ///
  /// Two passes of a 16-bit radix histogram find the threshold, so nothing is sorted.
  /// - Parameter scores: not negative and not NaN.
  /// - Returns: the threshold's bits and how many entries equal to it are chosen.
  package static func threshold(
    _ scores: UnsafeBufferPointer<Float>, choosing count: Int, _ order: Order
  ) -> Threshold {
    precondition(count > 0 && count <= scores.count)
    let (high, above) = bucket(of: count, in: histogram(scores, order) { UInt16($0 >> 16) })
    let low = histogram(scores, order) { key in
      UInt16(key >> 16) == high ? UInt16(truncatingIfNeeded: key) : nil
    }
    let (lowBits, rest) = bucket(of: count - above, in: low)
    return Threshold(
      key: UInt32(high) << 16 | UInt32(lowBits), ties: count - above - rest, order: order)
  }

  /// A cut through the scores: everything beyond `key`, and the first `ties` equal to it.
  package struct Threshold: Sendable {
    let key: UInt32
    private(set) var ties: Int
    let order: Order

    fileprivate init(key: UInt32, ties: Int, order: Order) {
      self.key = key
      self.ties = ties
      self.order = order
    }

    /// Positions chosen in the next stretch of the vector, in order.
    package mutating func choose(_ scores: UnsafeBufferPointer<Float>) -> [UInt32] {
      var chosen: [UInt32] = []
      for (position, score) in scores.enumerated() {
        let entry = ChildSelection.key(score, order)
        if entry > key {
          chosen.append(UInt32(position))
        } else if entry == key && ties > 0 {
          chosen.append(UInt32(position))
          ties -= 1
        }
      }
      return chosen
    }
  }

  /// Bits that grow with the preference; floats that are not negative order as integers.
  fileprivate static func key(_ score: Float, _ order: Order) -> UInt32 {
    let bits = (score + 0).bitPattern
    return order == .highest ? bits : ~bits
  }

  private static func histogram(
    _ scores: UnsafeBufferPointer<Float>, _ order: Order, _ digit: (UInt32) -> UInt16?
  ) -> [Int] {
    var counts = [Int](repeating: 0, count: 1 << 16)
    for score in scores {
      if let digit = digit(key(score, order)) { counts[Int(digit)] += 1 }
    }
    return counts
  }

  /// The bucket that holds the `count`-th entry from the top, and how many lie above it.
  private static func bucket(of count: Int, in counts: [Int]) -> (digit: UInt16, above: Int) {
    var above = 0
    for digit in counts.indices.reversed() {
      if above + counts[digit] >= count { return (UInt16(digit), above) }
      above += counts[digit]
    }
    preconditionFailure("the histogram holds fewer entries than asked for")
  }
}
