import CKernels

extension Compute {
  /// Adds the column sums of a matrix to `sum`.
  package func columnSums(_ matrix: Matrix, into sum: UnsafeMutablePointer<Float>) {
    let lanes = Int(kernels.lanes)
    let groups = (matrix.columns + lanes - 1) / lanes
    parallel(groups, weight: lanes * matrix.rows) { part in
      let columns = part.lowerBound * lanes..<min(matrix.columns, part.upperBound * lanes)
      kernels.column_sums(
        matrix.base + columns.lowerBound, matrix.rows, columns.count, matrix.stride,
        sum + columns.lowerBound)
    }
  }

  /// Sum of squares; the order of the sum depends only on the count.
  package func sumOfSquares(_ values: UnsafeMutablePointer<Float>, count: Int) -> Double {
    let block = 1 << 18
    let blocks = (count + block - 1) / block
    var sums = [Double](repeating: 0, count: blocks)
    sums.withUnsafeMutableBufferPointer { buffer in
      // Each block's sum has a place of its own.
      nonisolated(unsafe) let target = buffer
      forEach(blocks) { item, _ in
        let start = item * block
        target[item] = kernels.sum_of_squares(values + start, min(block, count - start))
      }
    }
    return sums.reduce(0, +)
  }
}
