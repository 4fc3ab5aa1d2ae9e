import CKernels
package import CTKModel
package import CTKTensor

/// Gradient of the weights that train, and of nothing else.
///
/// A dense parameter's gradient is formed in place; a child's matrix is formed in
/// one scratch buffer, over the rows and columns that hold any child entry, and
/// gathered at once.
package final class CompactGradient: GradientSink {
  package let plan: TrainablePlan
  /// [plan.count].
  package let values: FloatBuffer
  private let scratch: FloatBuffer
  /// Indexed by slice; nil where a whole matrix is formed.
  private let windows: [GradientWindow?]
  /// Both packed operands of a product, the right one behind the left one.
  private let packed: FloatBuffer
  /// Sums of one normalisation: its scale's and its shift's.
  private let normSums: FloatBuffer
  private let compute: Compute

  /// - Parameter rows: most rows of a product, from `SequenceClassifier.productRows`.
  package init(plan: TrainablePlan, rows: Int, compute: Compute) {
    self.plan = plan
    self.compute = compute
    values = FloatBuffer(count: plan.count).committed(by: compute)
    scratch = FloatBuffer(count: plan.largestSparseParameter)
    windows = compute.map(plan.slices.count) { Self.window(of: plan.slices[$0], plan) }
    let strides = windows.compactMap { $0 }.map { $0.rows.packedStride + $0.columns.packedStride }
    packed = FloatBuffer(count: rows * (strides.max() ?? 0)).committed(by: compute)
    normSums = FloatBuffer(count: 2 * plan.largestNorm)
  }

  private static func window(
    of slice: TrainablePlan.Slice, _ plan: TrainablePlan
  ) -> GradientWindow? {
    let parameter = plan.layout[slice.id]
    guard parameter.role == .matrix, let first = slice.firstPosition else { return nil }
    let window = GradientWindow(
      positions: UnsafeBufferPointer(start: plan.positions.base + first, count: slice.count),
      rows: parameter.rows, columns: parameter.columns)
    return window.rows.isNarrow || window.columns.isNarrow ? window : nil
  }

  package func wants(_ id: ParameterID) -> Bool { plan.slice(of: id) != nil }

  package let separatesExamples = false

  package func product(_ id: ParameterID, left: Matrix, right: Matrix, examples: ExampleRows) {
    if let (slice, window) = window(of: id) {
      form(slice, within: window, left: left, right: right)
    } else {
      form(id) { target in
        compute.multiply(
          left, .transposed, right, .plain,
          into: Matrix(target, rows: left.columns, columns: right.columns))
      }
    }
  }

  package func sum(_ id: ParameterID, rows: Matrix, examples: ExampleRows) {
    form(id) { target in
      target.update(repeating: 0, count: rows.columns)
      compute.columnSums(rows, into: target)
    }
  }

  package func norm(
    scale: ParameterID, shift: ParameterID, input: NormInput, outputGradient: Matrix,
    examples: ExampleRows
  ) {
    let columns = outputGradient.columns
    let (scaleSums, shiftSums) = (normSums.base, normSums.base + columns)
    normSums.clear()
    compute.normParameterGradients(
      values: input.values, mean: input.mean, rstd: input.rstd, gradient: outputGradient,
      scale: scaleSums, shift: shiftSums)
    form(scale) { $0.update(from: scaleSums, count: columns) }
    form(shift) { $0.update(from: shiftSums, count: columns) }
  }

  package func embedding(
    table: ParameterID, indices: [Int32], gradient: Matrix, examples: ExampleRows
  ) {
    form(table) { target in
      target.update(repeating: 0, count: plan.layout[table].count)
      for (row, index) in indices.enumerated() {
        compute.kernels.add(
          gradient.base + row * gradient.stride, target + Int(index) * gradient.columns,
          gradient.columns)
      }
    }
  }

  /// Runs `fill` on the whole gradient of a parameter and keeps what trains.
  private func form(_ id: ParameterID, _ fill: (UnsafeMutablePointer<Float>) -> Void) {
    guard let slice = plan.slice(of: id) else { return }
    let target = values.base + slice.start
    guard let firstPosition = slice.firstPosition else {
      fill(target)
      return
    }
    fill(scratch.base)
    gather(slice, from: plan.positions.base + firstPosition)
  }

  private func window(of id: ParameterID) -> (TrainablePlan.Slice, GradientWindow)? {
    guard let index = plan.sliceIndex(of: id), let window = windows[index] else { return nil }
    return (plan.slices[index], window)
  }

  private func form(
    _ slice: TrainablePlan.Slice, within window: GradientWindow, left: Matrix, right: Matrix
  ) {
    let leftCount = left.rows * window.rows.packedStride
    precondition(leftCount + right.rows * window.columns.packedStride <= packed.count)
    compute.multiply(
      window.rows.pack(left, into: packed.base, compute), .transposed,
      window.columns.pack(right, into: packed.base + leftCount, compute), .plain,
      into: Matrix(scratch.base, rows: window.rows.count, columns: window.columns.count))
    gather(slice, from: window.positions.base)
  }

  /// Picks a slice's entries from the scratch buffer.
  private func gather(_ slice: TrainablePlan.Slice, from positions: UnsafePointer<UInt32>) {
    let target = values.base + slice.start
    // Read-only here, and the parts write to disjoint runs.
    nonisolated(unsafe) let positions = positions
    compute.parallel(slice.count, weight: 2) { part in
      compute.kernels.gather(
        scratch.base, positions + part.lowerBound, target + part.lowerBound, part.count)
    }
  }

  /// L2 norm over everything that trains.
  package var norm: Double {
    compute.sumOfSquares(values.base, count: plan.count).squareRoot()
  }
}
