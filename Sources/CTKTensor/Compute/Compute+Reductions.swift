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
