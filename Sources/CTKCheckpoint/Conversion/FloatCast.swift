package import CTKCore

/// Casts among f64, f32, f16 and bf16, rounding to nearest, ties to even.
package enum FloatCast {
  /// Converts every element.
  ///
  /// - Returns: how many finite values became infinite.
  package static func convert(
    _ source: UnsafeRawBufferPointer, _ sourceType: DType,
    to target: UnsafeMutableRawBufferPointer, _ targetType: DType
  ) -> Int {
    switch sourceType {
    case .f64: convert(source, Float64Bits.self, to: target, targetType)
    case .f32: convert(source, Float32Bits.self, to: target, targetType)
    case .f16: convert(source, Float16Bits.self, to: target, targetType)
    case .bf16: convert(source, BFloat16Bits.self, to: target, targetType)
    default: preconditionFailure("\(sourceType) is not cast")
    }
  }

  @inline(__always)
  private static func convert<Source: FloatSource>(
    _ source: UnsafeRawBufferPointer, _: Source.Type,
    to target: UnsafeMutableRawBufferPointer, _ targetType: DType
  ) -> Int {
    switch targetType {
    case .f32: convert(source, Source.self, to: target, Float32Bits.self)
    case .f16: convert(source, Source.self, to: target, Float16Bits.self)
    case .bf16: convert(source, Source.self, to: target, BFloat16Bits.self)
    default: preconditionFailure("nothing is cast to \(targetType)")
    }
  }

  @inline(__always)
  private static func convert<Source: FloatSource, Target: FloatTarget>(
    _ source: UnsafeRawBufferPointer, _: Source.Type,
    to target: UnsafeMutableRawBufferPointer, _: Target.Type
  ) -> Int {
    let sourceWidth = MemoryLayout<Source.Bits>.size
    let targetWidth = MemoryLayout<Target.Bits>.size
    let count = source.count / sourceWidth
    precondition(target.count == count * targetWidth)
    guard let input = source.baseAddress, let output = target.baseAddress else { return 0 }
    let isRoundedAgain = targetWidth < MemoryLayout<Float>.size
    var overflowCount = 0
    for index in 0..<count {
      let bits = input.loadUnaligned(
        fromByteOffset: index &* sourceWidth, as: Source.Bits.self)
      let result = Target.bits(of: Source.value(of: bits, isRoundedAgain: isRoundedAgain))
      overflowCount &+= Source.isFinite(bits) && Target.isInfinite(result) ? 1 : 0
      output.storeBytes(of: result, toByteOffset: index &* targetWidth, as: Target.Bits.self)
    }
    return overflowCount
  }
}

/// A float format that can be read as f32.
private protocol FloatSource {
  associatedtype Bits: FixedWidthInteger

  /// - Parameter isRoundedAgain: whether the result goes on to a narrower format,
  ///   so that it must round there as the value itself does.
  static func value(of bits: Bits, isRoundedAgain: Bool) -> Float
  static func isFinite(_ bits: Bits) -> Bool
}

/// A float format that an f32 can be rounded to.
private protocol FloatTarget {
  associatedtype Bits: FixedWidthInteger

  static func bits(of value: Float) -> Bits
  static func isInfinite(_ bits: Bits) -> Bool
}

private enum Float32Bits: FloatSource, FloatTarget {
  @inline(__always)
  static func value(of bits: UInt32, isRoundedAgain: Bool) -> Float { Float(bitPattern: bits) }
  @inline(__always)
  static func bits(of value: Float) -> UInt32 { value.bitPattern }
  @inline(__always)
  static func isFinite(_ bits: UInt32) -> Bool { bits & 0x7F80_0000 != 0x7F80_0000 }
  @inline(__always)
  static func isInfinite(_ bits: UInt32) -> Bool { bits & 0x7FFF_FFFF == 0x7F80_0000 }
}

private enum Float16Bits: FloatSource, FloatTarget {
  @inline(__always)
  static func value(of bits: UInt16, isRoundedAgain: Bool) -> Float {
    Float(Float16(bitPattern: bits))
  }
  @inline(__always)
  static func bits(of value: Float) -> UInt16 { Float16(value).bitPattern }
  @inline(__always)
  static func isFinite(_ bits: UInt16) -> Bool { bits & 0x7C00 != 0x7C00 }
  @inline(__always)
  static func isInfinite(_ bits: UInt16) -> Bool { bits & 0x7FFF == 0x7C00 }
}

private enum BFloat16Bits: FloatSource, FloatTarget {
  @inline(__always)
  static func value(of bits: UInt16, isRoundedAgain: Bool) -> Float {
    Float(bitPattern: UInt32(bits) << 16)
  }
  /// A NaN keeps its upper payload and becomes quiet.
  @inline(__always)
  static func bits(of value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }
  @inline(__always)
  static func isFinite(_ bits: UInt16) -> Bool { bits & 0x7F80 != 0x7F80 }
  @inline(__always)
  static func isInfinite(_ bits: UInt16) -> Bool { bits & 0x7FFF == 0x7F80 }
}

private enum Float64Bits: FloatSource {
  /// Rounds to nearest, or to odd when a second rounding follows: the last bit
  /// then tells the second one that something was cut off.
  @inline(__always)
  static func value(of bits: UInt64, isRoundedAgain: Bool) -> Float {
    let exact = Double(bitPattern: bits)
    let nearest = Float(exact)
    if !isRoundedAgain || Double(nearest) == exact || !exact.isFinite { return nearest }
    let isAbove = Double(nearest).magnitude > exact.magnitude
    let truncated = isAbove ? nearest.bitPattern &- 1 : nearest.bitPattern
    return Float(bitPattern: truncated | 1)
  }
  @inline(__always)
  static func isFinite(_ bits: UInt64) -> Bool {
    bits & 0x7FF0_0000_0000_0000 != 0x7FF0_0000_0000_0000
  }
}
