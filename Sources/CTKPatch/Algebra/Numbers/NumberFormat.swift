package import CTKCore

/// How the bits of a unit stand for a number.
///
/// Dtypes whose units are not single numbers (packed sub-byte floats), or for
/// which a sum means nothing (booleans, scales), have none.
package struct NumberFormat: Sendable {
  private enum Kind {
    case binary32
    case binary64
    case narrow(NarrowFloat)
    case signedInteger
    case unsignedInteger
  }

  private let kind: Kind

  package init?(_ dtype: DType) {
    switch dtype {
    case .f32, .c64: kind = .binary32
    case .f64: kind = .binary64
    case .f16: kind = .narrow(NarrowFloat(exponentBits: 5, mantissaBits: 10))
    case .bf16: kind = .narrow(NarrowFloat(exponentBits: 8, mantissaBits: 7))
    case .f8e5m2: kind = .narrow(NarrowFloat(exponentBits: 5, mantissaBits: 2))
    case .f8e4m3:
      kind = .narrow(NarrowFloat(exponentBits: 4, mantissaBits: 3, hasInfinity: false))
    case .i8, .i16, .i32, .i64: kind = .signedInteger
    case .u8, .u16, .u32, .u64: kind = .unsignedInteger
    case .bool, .f4, .f6e2m3, .f6e3m2, .f8e8m0, .f8e4m3fnuz, .f8e5m2fnuz: return nil
    }
  }

  /// Whether the numbers are integers, whose sums are taken modulo 2^w.
  package var isInteger: Bool {
    switch kind {
    case .signedInteger, .unsignedInteger: true
    default: false
    }
  }

  /// The number that some bits stand for, rounded only above 53 bits.
  package func value<Word: UnitWord>(_ bits: Word) -> Double {
    switch kind {
    case .binary32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .binary64: Double(bitPattern: UInt64(bits))
    case .narrow(let format): format.value(UInt32(truncatingIfNeeded: bits))
    case .unsignedInteger: Double(bits)
    case .signedInteger:
      bits >> (Word.bitWidth - 1) == 0 ? Double(bits) : -Double(0 &- bits)
    }
  }

  /// The bits of the nearest float, ties to even; nil beyond the largest finite one.
  package func bits<Word: UnitWord>(nearest value: Double, as _: Word.Type) -> Word? {
    switch kind {
    case .binary32:
      let number = Float(value)
      return number.isFinite ? Word(truncatingIfNeeded: number.bitPattern) : nil
    case .binary64:
      return value.isFinite ? Word(truncatingIfNeeded: value.bitPattern) : nil
    case .narrow(let format):
      return format.bits(nearest: value).map { Word(truncatingIfNeeded: $0) }
    case .signedInteger, .unsignedInteger:
      return nil
    }
  }
}

/// A binary float of at most 16 bits: sign, exponent, mantissa.
struct NarrowFloat: Sendable {
  let exponentBits: Int
  let mantissaBits: Int
  /// Whether the largest exponent is kept for infinities and NaNs, as in IEEE
  /// 754; otherwise only the all-ones pattern is a NaN.
  var hasInfinity = true

  private var bias: Int { (1 << (exponentBits - 1)) - 1 }
  private var allOnes: Int { (1 << (exponentBits + mantissaBits)) - 1 }
  private var firstSpecial: Int {
    hasInfinity ? ((1 << exponentBits) - 1) << mantissaBits : allOnes
  }

  func value(_ bits: UInt32) -> Double {
    let magnitude = Int(bits) & allOnes
    let isNegative = Int(bits) > allOnes
    if magnitude >= firstSpecial {
      let isInfinite = hasInfinity && magnitude == firstSpecial
      return isInfinite ? (isNegative ? -.infinity : .infinity) : .nan
    }
    let exponent = magnitude >> mantissaBits
    let mantissa = magnitude & ((1 << mantissaBits) - 1)
    let scale = max(exponent, 1) - bias - mantissaBits
    let whole = exponent == 0 ? mantissa : mantissa + 1 << mantissaBits
    let number = Double(sign: .plus, exponent: scale, significand: Double(whole))
    return isNegative ? -number : number
  }

  /// The bits of the nearest number, ties to even; nil beyond the largest finite one.
  func bits(nearest value: Double) -> UInt32? {
    let magnitude = value.magnitude
    let sign: UInt32 = value.sign == .minus ? UInt32(allOnes) + 1 : 0
    if magnitude == 0 { return sign }
    guard magnitude < Double(sign: .plus, exponent: bias + 2, significand: 1) else { return nil }
    let exponent = max(Int(magnitude.exponent), 1 - bias)
    let scaled = Double(
      sign: .plus, exponent: mantissaBits - exponent, significand: magnitude)
    // A carry out of the mantissa moves into the exponent by itself.
    let bits =
      (exponent + bias - 1) << mantissaBits + Int(scaled.rounded(.toNearestOrEven))
    return bits < firstSpecial ? UInt32(bits) | sign : nil
  }
}
