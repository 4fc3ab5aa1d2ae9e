import CKernels

extension Compute {
  /// Adds the column sums of a matrix to `sum`.
  package func columnSums(_ matrix: Matrix, into sum: UnsafeMutablePointer<Float>) {
    parallelColumns(of: matrix) { columns in
      kernels.column_sums(
        matrix.base + columns.lowerBound, matrix.rows, columns.count, matrix.stride,
        sum + columns.lowerBound)
    }
  }

  /// Adds the gradients of a layer normalisation's scale and shift to the sums.
  ///
  /// - Parameters:
  ///   - values: what was normalised, [T, C], with its rows' `mean` and 1/deviation `rstd`.
  ///   - gradient: of the output, [T, C].
  package func normParameterGradients(
    values: Matrix, mean: UnsafePointer<Float>, rstd: UnsafePointer<Float>, gradient: Matrix,
    scale: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>
  ) {
    precondition(values.stride == gradient.stride && values.rows == gradient.rows)
    // Read-only for as long as the parts run.
    nonisolated(unsafe) let (mean, rstd) = (mean, rstd)
    parallelColumns(of: gradient) { columns in
      let first = columns.lowerBound
      kernels.norm_parameter_gradients(
        values.base + first, mean, rstd, gradient.base + first, gradient.rows, columns.count,
        gradient.stride, scale + first, shift + first)
    }
  }

  /// Runs `body` on contiguous parts of a matrix's columns, all of its rows each.
  package func parallelColumns(of matrix: Matrix, _ body: (Range<Int>) -> Void) {
    let lanes = Int(kernels.lanes)
    let groups = (matrix.columns + lanes - 1) / lanes
    parallel(groups, weight: lanes * matrix.rows) { part in
      body(part.lowerBound * lanes..<min(matrix.columns, part.upperBound * lanes))
    }
  }

  /// Floats whose squares are added up in one go.
  private static let squareBlock = 1 << 18
  /// Blocks whose sums fit on the stack.
  private static let blocksAtOnce = 64

  /// Sum of squares; the order of the sum depends only on the count.
  package func sumOfSquares(_ values: UnsafeMutablePointer<Float>, count: Int) -> Double {
    let blocks = (count + Self.squareBlock - 1) / Self.squareBlock
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.blocksAtOnce) { sums in
      var total = 0.0
      for first in stride(from: 0, to: blocks, by: Self.blocksAtOnce) {
        let number = min(Self.blocksAtOnce, blocks - first)
        forEach(number) { item, _ in
          let start = (first + item) * Self.squareBlock
          sums[item] = kernels.sum_of_squares(
            values + start, min(Self.squareBlock, count - start))
        }
        for item in 0..<number { total += sums[item] }
      }
      return total
    }
  }
}
