import CKernels

/// How matrix products round their operands.
package enum ProductPrecision: String, Sendable, CaseIterable {
  /// f32 throughout.
  case f32
  /// Operands rounded to bfloat16 as they are packed, sums in f32: twice the rate on
  /// processors with AVX512_BF16. Weights, gradients and moments stay f32.
  case bf16

  /// Whether this processor can compute so.
  package var isSupported: Bool { self == .f32 || ctk_bf16_is_supported() != 0 }
}

/// Memory for products in bfloat16: the packed right operand, and each thread's block of the
/// left one.
// Sendable is unchecked because a `Compute` runs one product at a time, in which threads
// divide the packed operand and each has a block of its own.
final class BFloat16Products: @unchecked Sendable {
  private var packed = FloatBuffer(count: 0)
  private let blocks: FloatBuffer

  init(threadCount: Int) {
    blocks = FloatBuffer(count: threadCount * Int(CTK_BF16_SCRATCH))
  }

  /// Room for at least `count` packed words, whatever they held before.
  func packed(atLeast count: Int) -> UnsafeMutablePointer<UInt32> {
    if packed.count < count { packed = FloatBuffer(count: count) }
    return UnsafeMutableRawPointer(packed.base).assumingMemoryBound(to: UInt32.self)
  }

  func block(of thread: Int) -> UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(blocks.base + thread * Int(CTK_BF16_SCRATCH))
      .assumingMemoryBound(to: UInt32.self)
  }
}

extension Compute {
  /// Whether a product is large enough for rounding and packing to pay; those of task heads
  /// are not, and keep their digits.
  func isWorthRounding(rows: Int, columns: Int, depth: Int) -> Bool {
    rows >= 32 && columns >= Int(CTK_BF16_COLUMNS) && depth >= 16
  }

  /// As `multiply`, with operands rounded to bfloat16.
  func multiplyRounded(
    _ left: Matrix, _ leftOrientation: Orientation, _ right: Matrix,
    _ rightOrientation: Orientation, into result: Matrix, from start: SumStart,
    _ products: BFloat16Products
  ) {
    let depth = leftOrientation == .plain ? left.columns : left.rows
    let columns = result.columns
    let packed = products.packed(atLeast: ctk_bf16_packed_count(depth, columns))
    let (leftOperand, rightOperand) = (
      leftOrientation.operand(left), rightOrientation.operand(right)
    )
    let panels = (columns + Int(CTK_BF16_COLUMNS) - 1) / Int(CTK_BF16_COLUMNS)
    parallel(panels, weight: Int(CTK_BF16_COLUMNS) * depth) { part in
      ctk_bf16_pack(
        rightOperand.base, rightOperand.row, rightOperand.column, depth, columns, part.lowerBound,
        part.upperBound, packed)
    }
    divide(result.rows) { range, thread in
      let part = result.rows(range)
      let accumulates = begin(part, from: start)
      ctk_bf16_multiply(
        leftOperand.base + range.lowerBound * leftOperand.row, leftOperand.row, leftOperand.column,
        range.count, packed, depth, columns, part.base, part.stride, accumulates ? 1 : 0,
        products.block(of: thread))
    }
  }
}
