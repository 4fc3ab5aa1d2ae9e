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

  /// The start of some of the columns.
  func columns(_ range: Range<Int>) -> SumStart {
    if case .bias(let bias) = self { .bias(bias + range.lowerBound) } else { self }
  }
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
    // Each thread packs its part of one operand and the whole of the other one, so the longer
    // side is divided.
    let threads = max(1, result.rows * result.columns * depth / 16 / Self.parallelGrain)
    if result.rows >= result.columns {
      divide(result.rows, into: threads) { part, _ in
        let leftPart = leftOrientation == .plain ? left.rows(part) : left.columns(part)
        multiplyPart(
          leftPart, leftOrientation, right, rightOrientation, depth, into: result.rows(part),
          from: start)
      }
    } else {
      divide(result.columns, into: threads, grain: 16) { part, _ in
        let rightPart = rightOrientation == .plain ? right.columns(part) : right.rows(part)
        multiplyPart(
          left, leftOrientation, rightPart, rightOrientation, depth, into: result.columns(part),
          from: start.columns(part))
      }
    }
  }

  /// A product on one thread.
  private func multiplyPart(
    _ left: Matrix, _ leftOrientation: Orientation, _ right: Matrix,
    _ rightOrientation: Orientation, _ depth: Int, into result: Matrix, from start: SumStart
  ) {
    let accumulates = begin(result, from: start)
    cblas_sgemm(
      CblasRowMajor, leftOrientation.blas, rightOrientation.blas,
      blasint(result.rows), blasint(result.columns), blasint(depth),
      1, left.base, blasint(left.stride), right.base, blasint(right.stride),
      accumulates ? 1 : 0, result.base, blasint(result.stride))
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
