package import CTKCore

/// Search for NaN and infinities among float bits.
package enum FiniteScan {
  /// Elements looked at together, without a branch among them.
  private static let blockCount = 4096

  /// How many values are NaN, and how many infinite.
  package struct Counts: Sendable, Equatable {
    package var nan = 0
    package var infinite = 0
  }

  /// Counts what is not finite.
  package static func counts(_ bytes: UnsafeRawBufferPointer, _ dtype: DType) -> Counts {
    switch dtype {
    case .f16: counts(bytes, exponent: UInt16(0x7C00), mantissa: 0x03FF)
    case .bf16: counts(bytes, exponent: UInt16(0x7F80), mantissa: 0x007F)
    case .f32: counts(bytes, exponent: UInt32(0x7F80_0000), mantissa: 0x007F_FFFF)
    case .f64:
      counts(bytes, exponent: UInt64(0x7FF0_0000_0000_0000), mantissa: 0x000F_FFFF_FFFF_FFFF)
    default: Counts()
    }
  }

  private static func counts<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, exponent: Bits, mantissa: Bits
  ) -> Counts {
    let width = MemoryLayout<Bits>.size
    var counts = Counts()
    for index in 0..<bytes.count / width {
      let bits = bytes.loadUnaligned(fromByteOffset: index &* width, as: Bits.self)
      guard bits & exponent == exponent else { continue }
      if bits & mantissa == 0 { counts.infinite += 1 } else { counts.nan += 1 }
    }
    return counts
  }

  /// Position of the first NaN or infinity.
  package static func firstNonFinite(_ bytes: UnsafeRawBufferPointer, _ dtype: DType) -> Int? {
    switch dtype {
    case .f16: firstNonFinite(bytes, exponent: UInt16(0x7C00))
    case .bf16: firstNonFinite(bytes, exponent: UInt16(0x7F80))
    case .f32: firstNonFinite(bytes, exponent: UInt32(0x7F80_0000))
    case .f64: firstNonFinite(bytes, exponent: UInt64(0x7FF0_0000_0000_0000))
    default: nil
    }
  }

  /// A value is not finite when all bits of its exponent are set.
  @inline(__always)
  private static func firstNonFinite<Bits: FixedWidthInteger & UnsignedInteger>(
    _ bytes: UnsafeRawBufferPointer, exponent: Bits
  ) -> Int? {
    let width = MemoryLayout<Bits>.size
    let count = bytes.count / width
    guard let base = bytes.baseAddress else { return nil }
    for start in stride(from: 0, to: count, by: blockCount) {
      let end = min(start + blockCount, count)
      var largest: Bits = 0
      for index in start..<end {
        let bits = base.loadUnaligned(fromByteOffset: index &* width, as: Bits.self) & exponent
        largest = max(largest, bits)
      }
      guard largest == exponent else { continue }
      return (start..<end).first { index in
        base.loadUnaligned(fromByteOffset: index &* width, as: Bits.self) & exponent == exponent
      }
    }
    return nil
  }
}
