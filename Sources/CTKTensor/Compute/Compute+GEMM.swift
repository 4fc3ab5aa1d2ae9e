import COpenBLAS

/// Whether an operand of a product is used as stored or transposed.
package enum Orientation: Sendable {
  case plain
  case transposed

  fileprivate var blas: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }
}

/// What the sums of a product start with.
package enum SumStart {
  case zero
  /// What the result holds, so that the product is added to it.
  case result
  /// One float for each column.
  case bias(UnsafeMutablePointer<Float>)
}

extension Compute {
  /// `result = start + left * right`.
  ///
  /// Orientations apply to the stored matrices: with both plain, `left` is
  /// [rows, depth] and `right` is [depth, columns].
  package func multiply(
    _ left: Matrix, _ leftOrientation: Orientation = .plain,
    _ right: Matrix, _ rightOrientation: Orientation = .plain,
    into result: Matrix, from start: SumStart = .zero
  ) {
    let depth = leftOrientation == .plain ? left.columns : left.rows
    precondition((leftOrientation == .plain ? left.rows : left.columns) == result.rows)
    precondition((rightOrientation == .plain ? right.columns : right.rows) == result.columns)
    precondition((rightOrientation == .plain ? right.rows : right.columns) == depth)
    if let rounding, isWorthRounding(rows: result.rows, columns: result.columns, depth: depth) {
      multiplyRounded(
        left, leftOrientation, right, rightOrientation, into: result, from: start, rounding)
      return
    }
    parallel(result.rows, weight: max(1, result.columns * depth / 16)) { part in
      let leftPart = leftOrientation == .plain ? left.rows(part) : left.columns(part)
      let resultPart = result.rows(part)
      let accumulates = begin(resultPart, from: start)
      cblas_sgemm(
        CblasRowMajor, leftOrientation.blas, rightOrientation.blas,
        blasint(part.count), blasint(result.columns), blasint(depth),
        1, leftPart.base, blasint(left.stride), right.base, blasint(right.stride),
        accumulates ? 1 : 0, resultPart.base, blasint(result.stride))
    }
  }

  /// Writes a bias into a result, to which the product is then added.
  ///
  /// - Returns: whether the product is added to the result.
  func begin(_ result: Matrix, from start: SumStart) -> Bool {
    switch start {
    case .zero: return false
    case .result: return true
    case .bias(let bias):
      for row in 0..<result.rows {
        (result.base + row * result.stride).update(from: bias, count: result.columns)
      }
      return true
    }
  }
}
