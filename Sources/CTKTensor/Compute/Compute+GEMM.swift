import COpenBLAS

/// Whether an operand of a product is used as stored or transposed.
package enum Orientation: Sendable {
  case plain
  case transposed

  fileprivate var blas: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
}

extension Compute {
  /// `result = left * right`, or `result += left * right` when `accumulates`.
  ///
  /// Orientations apply to the stored matrices: with both plain, `left` is
  /// [rows, depth] and `right` is [depth, columns].
  package func multiply(
    _ left: Matrix, _ leftOrientation: Orientation = .plain,
    _ right: Matrix, _ rightOrientation: Orientation = .plain,
    into result: Matrix, accumulates: Bool = false
  ) {
    let depth = leftOrientation == .plain ? left.columns : left.rows
    precondition((leftOrientation == .plain ? left.rows : left.columns) == result.rows)
    precondition((rightOrientation == .plain ? right.columns : right.rows) == result.columns)
    precondition((rightOrientation == .plain ? right.rows : right.columns) == depth)
    if let rounding, isWorthRounding(rows: result.rows, columns: result.columns, depth: depth) {
      multiplyRounded(
        left, leftOrientation, right, rightOrientation, into: result, accumulates: accumulates,
        rounding)
      return
    }
    parallel(result.rows, weight: max(1, result.columns * depth / 16)) { part in
      let leftPart = leftOrientation == .plain ? left.rows(part) : left.columns(part)
      let resultPart = result.rows(part)
      cblas_sgemm(
        CblasRowMajor, leftOrientation.blas, rightOrientation.blas,
        blasint(part.count), blasint(result.columns), blasint(depth),
        1, leftPart.base, blasint(left.stride), right.base, blasint(right.stride),
        accumulates ? 1 : 0, resultPart.base, blasint(result.stride))
    }
  }
}
