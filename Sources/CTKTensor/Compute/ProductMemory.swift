import CKernels

/// Memory in which each thread packs a block of the right operand of its part of a product.
// Sendable is unchecked because a `Compute` runs one product at a time, in which each thread
// has an area of its own.
final class ProductMemory: @unchecked Sendable {
  private let areas: FloatBuffer

  init(threadCount: Int) {
    areas = FloatBuffer(count: threadCount * Int(CTK_PRODUCT_SCRATCH))
  }

  func area(of thread: Int) -> UnsafeMutablePointer<Float> {
    areas.base + thread * Int(CTK_PRODUCT_SCRATCH)
  }
}
