package import CKernels
import COpenBLAS

/// How work is spread over the processor: kernels, threads and GEMM.
///
/// ctk divides every operation over its own threads and keeps OpenBLAS at one
/// thread each, so the two never compete for the cores. Results depend on the
/// thread count, which run manifests record, but not on timing.
package struct Compute: Sendable {
  package let threadCount: Int
  package let kernels: ctk_kernel_table
  package let precision: ProductPrecision
  /// Memory of products by a kernel of ctk's own; nil where OpenBLAS multiplies.
  let products: ProductMemory?
  /// Memory of products in bfloat16; nil for f32.
  let rounding: BFloat16Products?

  /// - Parameters:
  ///   - threadCount: at least 1.
  ///   - precision: one that this processor supports.
  package init(
    threadCount: Int, kernels: ctk_kernel_table = Kernels.fastest,
    precision: ProductPrecision = .f32
  ) {
    precondition(threadCount > 0 && precision.isSupported)
    self.threadCount = threadCount
    self.kernels = kernels
    self.precision = precision
    products = kernels.product == nil ? nil : ProductMemory(threadCount: threadCount)
    rounding = precision == .bf16 ? BFloat16Products(threadCount: threadCount) : nil
    openblas_set_num_threads(1)
  }

  /// Ends OpenBLAS's own threads, which otherwise take a core from a program's first
  /// milliseconds.
  package static func endIdleThreads() { ctk_openblas_end_threads() }

  /// OpenBLAS's version and the kernel family it chose, for manifests.
  ///
  /// Read once: OpenBLAS puts the text together in one buffer for all callers.
  package static let blasDescription =
    "\(String(cString: openblas_get_config())) / \(String(cString: openblas_get_corename()))"

  /// Fewest floats for which a second thread pays.
  static let parallelGrain = 16_384

  /// Runs `body` on contiguous parts of 0 ..< count, one part for each thread.
  ///
  /// - Parameter weight: floats touched for each of the `count` items.
  package func parallel(_ count: Int, weight: Int, _ body: (Range<Int>) -> Void) {
    divide(count, into: max(1, count * weight / Self.parallelGrain)) { part, _ in body(part) }
  }

  /// Runs `body` on contiguous parts of 0 ..< count that begin at multiples of `grain`, one
  /// part for each thread.
  ///
  /// - Parameters:
  ///   - limit: most parts.
  ///   - body: receives the part and the number of the worker, below `threadCount`, which
  ///     owns a scratch area of its own.
  package func divide(
    _ count: Int, into limit: Int = .max, grain: Int = 1,
    _ body: (_ part: Range<Int>, _ worker: Int) -> Void
  ) {
    let grains = (count + grain - 1) / grain
    let parts = min(threadCount, limit, grains)
    runOnThreads(parts) { part in
      let (first, end) = (part * grains / parts, (part + 1) * grains / parts)
      body(first * grain..<min(count, end * grain), part)
    }
  }

  /// Runs `body` for each item, every worker taking the items that lie `workers` apart.
  ///
  /// - Parameter body: receives the item and the number of the worker, below `threadCount`,
  ///   which owns a scratch area of its own.
  package func forEach(_ count: Int, _ body: (_ item: Int, _ worker: Int) -> Void) {
    if threadCount == 1 || count < 2 {
      for item in 0..<count { body(item, 0) }
      return
    }
    let workers = min(threadCount, count)
    runOnThreads(workers) { worker in
      var item = worker
      while item < count {
        body(item, worker)
        item += workers
      }
    }
  }
}
