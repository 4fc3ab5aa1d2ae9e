public import CTKCore

/// How the codecs see the elements of a dtype: words of some bytes, ordered
/// as floats or plain (`formats/patch.md` section 5.1).
public struct CodingUnit: Sendable, Hashable {
  public enum Width: Int, Sendable {
    case one = 1
    case two = 2
    case four = 4
    case eight = 8
  }

  public let width: Width
  /// Whether the top bit is a sign of a sign-magnitude number.
  public let isFloat: Bool

  public init(_ dtype: DType) {
    switch dtype {
    case .bool, .u8, .i8, .f8e8m0, .f4, .f6e2m3, .f6e3m2: (width, isFloat) = (.one, false)
    case .f8e5m2, .f8e4m3, .f8e5m2fnuz, .f8e4m3fnuz: (width, isFloat) = (.one, true)
    case .i16, .u16: (width, isFloat) = (.two, false)
    case .f16, .bf16: (width, isFloat) = (.two, true)
    case .i32, .u32: (width, isFloat) = (.four, false)
    case .f32, .c64: (width, isFloat) = (.four, true)
    case .i64, .u64: (width, isFloat) = (.eight, false)
    case .f64: (width, isFloat) = (.eight, true)
    }
  }

  /// A unit of positions alone, which have no values.
  static let byte = CodingUnit(.u8)

  public var byteCount: Int { width.rawValue }
}

extension TensorInfo {
  /// Units of the codecs in this tensor.
  package var unitCount: Int { byteCount / CodingUnit(dtype).byteCount }
}
