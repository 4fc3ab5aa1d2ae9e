import CKernels
package import CTKModel
package import CTKTensor

/// Gradient of the weights that train, and of nothing else.
///
/// A dense parameter's gradient is formed in place; a child's matrix is formed
/// whole in one scratch buffer and gathered at once.
package final class CompactGradient: GradientSink {
  package let plan: TrainablePlan
  /// [plan.count].
  package let values: FloatBuffer
  private let scratch: FloatBuffer
  private let compute: Compute

  package init(plan: TrainablePlan, compute: Compute) {
    self.plan = plan
    self.compute = compute
    values = FloatBuffer(count: plan.count)
    scratch = FloatBuffer(count: plan.largestSparseParameter)
  }

  package func wants(_ id: ParameterID) -> Bool { plan.slice(of: id) != nil }

  package func linear(
    weight: ParameterID, bias: ParameterID, input: Matrix, outputGradient: Matrix,
    examples: [Int]
  ) {
    form(weight) { target in
      compute.multiply(
        outputGradient, .transposed, input, .plain,
        into: Matrix(target, rows: outputGradient.columns, columns: input.columns))
    }
    form(bias) { target in
      target.update(repeating: 0, count: outputGradient.columns)
      compute.columnSums(outputGradient, into: target)
    }
  }

  package func norm(
    scale: ParameterID, shift: ParameterID, input: NormInput, outputGradient: Matrix,
    examples: [Int]
  ) {
    let columns = outputGradient.columns
    let sums = [Float](unsafeUninitializedCapacity: 2 * columns) { buffer, count in
      buffer.initialize(repeating: 0)
      count = 2 * columns
      guard let base = buffer.baseAddress else { return }
      compute.kernels.norm_parameter_gradients(
        input.values.base, input.mean, input.rstd, outputGradient.base, outputGradient.rows,
        columns, base, base + columns)
    }
    sums.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      form(scale) { $0.update(from: base, count: columns) }
      form(shift) { $0.update(from: base + columns, count: columns) }
    }
  }

  package func embedding(
    table: ParameterID, indices: [Int32], gradient: Matrix, examples: [Int]
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
    let positions = plan.positions.base + firstPosition
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
