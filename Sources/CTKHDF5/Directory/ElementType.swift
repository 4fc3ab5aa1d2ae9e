import CTKCore

/// How a dataset's elements are stored.
struct ElementType {
  let dtype: DType
  let isBigEndian: Bool

  /// Recognises the types a tensor can have; nil for all others.
  ///
  /// - Parameter opaqueName: the dataset's attribute `dtype`, by which Keras
  ///   marks 2-byte opaque elements as "bfloat16".
  init?(_ type: DatatypeMessage, opaqueName: String?) {
    let found: DType? =
      switch type.kind {
      case .integer: Self.integer(type)
      case .float: Self.float(type)
      case .opaque: type.byteCount == 2 && opaqueName == "bfloat16" ? .bf16 : nil
      default: nil
      }
    guard let found else { return nil }
    dtype = found
    isBigEndian = type.kind != .opaque && type.bits & 1 != 0
  }

  private static func integer(_ type: DatatypeMessage) -> DType? {
    guard type.fields.offset == 0, type.fields.precision == 8 * type.byteCount else { return nil }
    let isSigned = type.bits & 0x08 != 0
    return switch type.byteCount {
    case 1: isSigned ? .i8 : .u8
    case 2: isSigned ? .i16 : .u16
    case 4: isSigned ? .i32 : .u32
    case 8: isSigned ? .i64 : .u64
    default: nil
    }
  }

  /// IEEE binary16, binary32, binary64 and bfloat16.
  private static func float(_ type: DatatypeMessage) -> DType? {
    let formats: [(dtype: DType, exponentBits: Int)] = [
      (.f16, 5), (.bf16, 8), (.f32, 8), (.f64, 11),
    ]
    let format = formats.first {
      $0.dtype.bitWidth == 8 * type.byteCount && $0.exponentBits == type.fields.exponentBits
    }
    guard let format else { return nil }
    let bits = format.dtype.bitWidth
    let mantissaBits = bits - 1 - format.exponentBits
    let expected = DatatypeMessage.NumberFields(
      offset: 0, precision: bits, exponentPosition: mantissaBits,
      exponentBits: format.exponentBits, mantissaPosition: 0, mantissaBits: mantissaBits,
      exponentBias: 1 << (format.exponentBits - 1) - 1)
    // Bit 6 marks VAX order, bits 4 and 5 a leading 1 that is not stored (2).
    let isPlain = type.bits & 0x40 == 0 && type.bits >> 4 & 3 == 2
    let signPosition = type.bits >> 8 & 0xFF
    return type.fields == expected && isPlain && signPosition == bits - 1 ? format.dtype : nil
  }
}
