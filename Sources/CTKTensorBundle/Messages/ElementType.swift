import CTKCore

/// TensorFlow's numbers of element types (types.proto).
enum ElementType {
  static let string: UInt64 = 7

  static func dtype(of number: UInt64) -> DType? { known[number] }

  private static let known: [UInt64: DType] = [
    1: .f32, 2: .f64, 3: .i32, 4: .u8, 5: .i16, 6: .i8, 8: .c64, 9: .i64, 10: .bool, 14: .bf16,
    17: .u16, 19: .f16, 22: .u32, 23: .u64, 24: .f8e5m2, 25: .f8e4m3,
  ]
}
