package import CTKCore

/// Search for NaN and infinities among float bits.
package enum FiniteScan {
  /// Elements looked at together, without a branch among them.
  private static let blockCount = 4096

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
