#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Order-0 entropies, in bits.
package enum Entropy {
  /// Bits to code a sequence with these symbol counts.
  static func bits(counts: UnsafeBufferPointer<Int>) -> Double {
    let total = Double(counts.reduce(0, +))
    return counts.reduce(0) { sum, count in
      count == 0 ? sum : sum - Double(count) * log2(Double(count) / total)
    }
  }

  /// Bits to tell which `selected` of `count` places are taken: n H(k / n).
  package static func subsetBits(selected: Int, of count: Int) -> Double {
    guard selected > 0, selected < count else { return 0 }
    let share = Double(selected) / Double(count)
    return -Double(count) * (share * log2(share) + (1 - share) * log2(1 - share))
  }
}
