import CPatchCoder

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// How large the changes of tensors are, as far as a step for all of them depends on it.
package struct ChangeSpread: Sendable {
  /// Bits of a Gaussian number at a step of its standard deviation, the most that numbers
  /// of one spread can have.
  private static let gaussianBits = 2.047095585180641

  private var count: UInt64 = 0
  /// Sum, over the changes, of the binary logarithm of their row's root mean square.
  private var octaveSum = 0.0

  package init() {}

  /// Measures the changes of an `F32` tensor in rows of `rowUnits` units.
  package init(base: UnsafeRawBufferPointer, tuned: UnsafeRawBufferPointer, rowUnits: Int) {
    guard let input = ctk_rounding_input(base: base, tuned: tuned, rowUnits: rowUnits) else {
      return
    }
    var spread = ctk_change_spread()
    withUnsafePointer(to: input) { ctk_measure_changes($0, &spread) }
    (count, octaveSum) = (spread.count, spread.octave_sum)
  }

  package mutating func add(_ other: ChangeSpread) {
    count += other.count
    octaveSum += other.octaveSum
  }

  /// The smallest step at which a change takes at most `bits` bits on average.
  ///
  /// One step for all is what errs least in squares for its bits. No level is the last:
  /// a change cut off there would always become too small, and such errors add up.
  package func step(bits: Int) -> Double {
    if count == 0 { return 1 }
    // Multiples of a step are apart by twice as much.
    let octaves = octaveSum / Double(count) + Self.gaussianBits - Double(bits) - 1
    // Four steps an octave, as blocks have them.
    let unit = exp2(octaves.rounded(.down) - 2)
    return unit * (exp2(octaves) / unit).rounded(.up)
  }
}

extension ctk_rounding_input {
  /// Rows beyond this many units, as of tensors with one axis, are cut.
  private static let longestRow = 1 << 20

  /// `F32` tensors, little-endian; nil for empty ones.
  init?(
    base: UnsafeRawBufferPointer, tuned: UnsafeRawBufferPointer, rowUnits: Int,
    form: ctk_rounding_form = CTK_ROUNDING_NONE, step: Double = 0
  ) {
    precondition(
      base.count == tuned.count && base.count % 4 == 0, "tensors of different sizes")
    guard base.count > 0, let first = base.baseAddress, let second = tuned.baseAddress else {
      return nil
    }
    self.init(
      base: first.assumingMemoryBound(to: UInt8.self),
      tuned: second.assumingMemoryBound(to: UInt8.self), units: UInt64(base.count / 4),
      width: UInt64(max(1, min(rowUnits, Self.longestRow))), form: form, step: step)
  }
}
