/// Choice of the best entries of a score vector, exactly k of them or by a percentile.
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

  /// Numbers of entries to select of each part so that every part gives its share and all
  /// together exactly what the keep ratio selects of the whole.
  ///
  /// Shares are rounded down; what is left goes to the largest remainders, ties to the
  /// earlier part.
  package static func quotas(keep: Double, of counts: [Int]) -> [Int] {
    let whole = counts.reduce(0, +)
    if whole == 0 { return counts }
    let shares = counts.map { keep * Double($0) }
    var quotas = zip(shares, counts).map { min($1, Int($0.rounded(.down))) }
    var rest = selectedCount(keep: keep, of: whole) - quotas.reduce(0, +)
    let order = counts.indices.sorted {
      let (left, right) = (shares[$0] - Double(quotas[$0]), shares[$1] - Double(quotas[$1]))
      return (right, $0) < (left, $1)
    }
    for place in order where rest > 0 && quotas[place] < counts[place] {
      quotas[place] += 1
      rest -= 1
    }
    return quotas
  }

  /// The score at the linearly interpolated percentile `1 - keep`, rounded to a float.
  ///
  /// Of n scores the one at the place `(n - 1)(1 - keep)` in ascending order.
  package static func percentile(_ scores: UnsafeBufferPointer<Float>, keep: Double) -> Float {
    let place = Double(scores.count - 1) * (1 - keep)
    let below = min(max(Int(place.rounded(.down)), 0), scores.count - 1)
    let low = score(scores, ascending: below)
    let high = score(scores, ascending: min(below + 1, scores.count - 1))
    return Float(low + (high - low) * (place - Double(below)))
  }

  private static func score(
    _ scores: UnsafeBufferPointer<Float>, ascending place: Int
  ) -> Double {
    Double(Float(bitPattern: threshold(scores, choosing: scores.count - place, .highest).key))
  }

  /// Where a score vector is cut.
  package enum Cut: Sendable {
    case exact(Threshold)
    /// Every score that is as high.
    case atLeast(Float)

    /// Positions chosen in the next stretch of the vector, in order.
    package mutating func choose(_ scores: UnsafeBufferPointer<Float>) -> [UInt32] {
      switch self {
      case .exact(var threshold):
        defer { self = .exact(threshold) }
        return threshold.choose(scores)
      case .atLeast(let lowest):
        return scores.indices.filter { scores[$0] >= lowest }.map { UInt32($0) }
      }
    }
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
