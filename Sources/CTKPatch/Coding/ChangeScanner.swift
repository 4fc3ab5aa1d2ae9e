#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Finder of the units whose bits differ between two tensors of one layout.
struct ChangeScanner<Word: UnitWord> {
  /// Equal stretches of this many units are skipped by comparing memory.
  private static var stretch: Int { 4096 }
  private static var size: Int { MemoryLayout<Word>.size }

  let base: UnsafeRawBufferPointer
  let tuned: UnsafeRawBufferPointer
  let ordered: OrderedInteger<Word>

  init(base: UnsafeRawBufferPointer, tuned: UnsafeRawBufferPointer, isFloat: Bool) {
    precondition(base.count == tuned.count, "\(base.count) against \(tuned.count) bytes")
    self.base = base
    self.tuned = tuned
    ordered = OrderedInteger(isFloat: isFloat)
  }

  @inline(__always)
  private func load(_ bytes: UnsafeRawBufferPointer, _ unit: Int) -> Word {
    Word(littleEndian: bytes.loadUnaligned(fromByteOffset: unit * Self.size, as: Word.self))
  }

  /// How many of some units differ.
  func count(_ units: Range<Int>) -> Int {
    if isEqual(units) { return 0 }
    var total = 0
    for unit in units { total += load(base, unit) == load(tuned, unit) ? 0 : 1 }
    return total
  }

  /// Writes position and difference of each change within `units`.
  ///
  /// - Parameter positions: room for `units.count` entries, as `differences`.
  /// - Returns: how many were written.
  func scan(
    _ units: Range<Int>, positions: UnsafeMutablePointer<UInt32>,
    differences: UnsafeMutablePointer<Word>
  ) -> Int {
    var count = 0
    var start = units.lowerBound
    while start < units.upperBound {
      let end = min(start + Self.stretch, units.upperBound)
      defer { start = end }
      if isEqual(start..<end) { continue }
      for unit in start..<end {
        let difference = ordered.difference(from: load(base, unit), to: load(tuned, unit))
        // Written always, kept only when it counts: no branch to predict.
        positions[count] = UInt32(truncatingIfNeeded: unit - units.lowerBound)
        differences[count] = difference
        count += difference == 0 ? 0 : 1
      }
    }
    return count
  }

  private func isEqual(_ units: Range<Int>) -> Bool {
    let bytes = units.lowerBound * Self.size..<units.upperBound * Self.size
    return equalBytes(
      UnsafeRawBufferPointer(rebasing: base[bytes]),
      UnsafeRawBufferPointer(rebasing: tuned[bytes]))
  }

  /// Writes the difference of every unit of `units` of `tuned` from zero bits.
  func scanFromZero(_ units: Range<Int>, differences: UnsafeMutablePointer<Word>) {
    for unit in units {
      differences[unit - units.lowerBound] = ordered.difference(from: 0, to: load(tuned, unit))
    }
  }
}

/// Whether two runs of one length hold the same bytes.
func equalBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard left.count == right.count else { return false }
  guard let first = left.baseAddress, let second = right.baseAddress else { return true }
  return memcmp(first, second, left.count) == 0
}
