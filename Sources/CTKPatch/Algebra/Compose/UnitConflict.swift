import CTKCore

/// A unit that several patches change.
struct UnitConflict<Word: UnitWord> {
  /// The base's bits.
  let base: Word
  /// Differences of the patches that change the unit, in the order of the patches.
  let differences: UnsafeBufferPointer<Word>
  let ordered: OrderedInteger<Word>

  /// The bits that one of the patches leads to.
  func result(_ difference: Word) -> Word { ordered.decode(ordered.encode(base) &+ difference) }

  /// Whether all go up or all go down.
  var agreesInSign: Bool {
    let top = Word.bitWidth - 1
    return differences.allSatisfy { $0 >> top == differences[0] >> top }
  }

  /// Whether all lead to the same bits.
  var isAgreed: Bool { differences.allSatisfy { $0 == differences[0] } }

  /// Largest distance of two results in the order of the dtype's numbers.
  var spread: Word {
    var (low, high) = (Word.max, Word.min)
    for difference in differences {
      let place = ordered.encode(base) &+ difference
      (low, high) = (min(low, place), max(high, place))
    }
    return high - low
  }
}

// MARK: Arithmetic

extension UnitConflict {
  /// Why a conflict has no number as its outcome.
  enum Fault: Error {
    case notFinite
    case tooLarge
  }

  /// The difference that `sum`, `mean` or `ties` come to, in the dtype's numbers.
  ///
  /// Computed in binary64 with the changes in ascending order, so that the order
  /// of the patches does not matter, and rounded once.
  ///
  /// - Parameter changes: room for one number for each difference.
  func difference(
    _ policy: ComposePolicy, in format: NumberFormat, changes: UnsafeMutableBufferPointer<Double>
  ) throws(Fault) -> Word {
    if policy != .sum && isAgreed { return differences[0] }
    let origin = format.value(base)
    var isFinite = origin.isFinite
    for (entry, difference) in differences.enumerated() {
      let change = format.value(result(difference)) - origin
      isFinite = isFinite && change.isFinite
      changes[entry] = change
    }
    guard isFinite else { throw .notFinite }
    var known = UnsafeMutableBufferPointer(rebasing: changes[..<differences.count])
    known.sort()
    let change = Self.outcome(policy, UnsafeBufferPointer(known))
    guard let bits = format.bits(nearest: origin + change, as: Word.self) else { throw .tooLarge }
    return ordered.difference(from: base, to: bits)
  }

  private static func outcome(
    _ policy: ComposePolicy, _ changes: UnsafeBufferPointer<Double>
  ) -> Double {
    let total = changes.reduce(0, +)
    switch policy {
    case .mean: return total / Double(changes.count)
    case .ties:
      // Without a majority the base's number stays.
      let elected = changes.filter { total > 0 ? $0 > 0 : $0 < 0 }
      return total == 0 ? 0 : elected.reduce(0, +) / Double(elected.count)
    default: return total
    }
  }
}
