import CKernels
import COpenBLAS

/// Whether an operand of a product is used as stored or transposed.
package enum Orientation: Sendable {
  case plain
  case transposed

  fileprivate var blas: CBLAS_TRANSPOSE { self == .plain ? CblasNoTrans : CblasTrans }

  /// Whether the kernel reads the left operand well; see `CTK_PRODUCT_ALIASING`.
  fileprivate func isReadWell(_ matrix: Matrix) -> Bool {
    self == .plain || matrix.stride % Int(CTK_PRODUCT_ALIASING) != 0
  }

  /// Some rows of the left operand.
  fileprivate func leftRows(_ rows: Range<Int>, of matrix: Matrix) -> Matrix {
    self == .plain ? matrix.rows(rows) : matrix.columns(rows)
  }

  /// Some columns of the right operand.
  fileprivate func rightColumns(_ columns: Range<Int>, of matrix: Matrix) -> Matrix {
    self == .plain ? matrix.columns(columns) : matrix.rows(columns)
  }

  /// A matrix used so.
  func operand(_ matrix: Matrix) -> ctk_operand {
    self == .plain
      ? ctk_operand(base: matrix.base, row: matrix.stride, column: 1)
      : ctk_operand(base: matrix.base, row: 1, column: matrix.stride)
  }
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

  /// Where the first sums of each row lie; nil for zeros.
  fileprivate func sums(of result: Matrix) -> (base: UnsafePointer<Float>?, stride: Int) {
    switch self {
    case .zero: (nil, 0)
    case .result: (UnsafePointer(result.base), result.stride)
    case .bias(let bias): (UnsafePointer(bias), 0)
    }
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
    precondition(depth > 0)
    precondition((leftOrientation == .plain ? left.rows : left.columns) == result.rows)
    precondition((rightOrientation == .plain ? right.columns : right.rows) == result.columns)
    precondition((rightOrientation == .plain ? right.rows : right.columns) == depth)
    if let rounding, isWorthRounding(rows: result.rows, columns: result.columns, depth: depth) {
      multiplyRounded(
        left, leftOrientation, right, rightOrientation, into: result, from: start, rounding)
      return
    }
    let threads = max(1, result.rows * result.columns * depth / 16 / Self.parallelGrain)
    let products = leftOrientation.isReadWell(left) ? products : nil
    if dividesRows(of: result, packsBoth: products == nil) {
      divide(result.rows, into: threads) { part, worker in
        multiplyPart(
          leftOrientation.leftRows(part, of: left), leftOrientation, right, rightOrientation,
          depth, into: result.rows(part), from: start, products?.area(of: worker))
      }
    } else {
      divide(result.columns, into: threads, grain: Self.columnGrain) { part, worker in
        multiplyPart(
          left, leftOrientation, rightOrientation.rightColumns(part, of: right),
          rightOrientation, depth, into: result.columns(part), from: start.columns(part),
          products?.area(of: worker))
      }
    }
  }

  private static let columnGrain = Int(CTK_PRODUCT_COLUMNS)
  /// Entries of a result that take as long as packing one entry of an operand for each step of
  /// the depth.
  private static let packingCost = 24

  /// Whether threads divide the rows of a result rather than its columns.
  ///
  /// Each of them packs its part of one operand and the whole of the other one: a BLAS both, the
  /// kernel the right one alone. Rows, which are tokens in most products, stay in a thread's
  /// caches from one operation to the next, so columns must be less work by some way.
  private func dividesRows(of result: Matrix, packsBoth: Bool) -> Bool {
    let (rows, columns) = (result.rows, result.columns)
    func work(_ rows: Int, _ columns: Int) -> Int {
      rows * columns + Self.packingCost * (columns + (packsBoth ? rows : 0))
    }
    func part(_ count: Int, grain: Int) -> Int {
      let grains = (count + grain - 1) / grain
      return (grains + threadCount - 1) / threadCount * grain
    }
    let byRows = work(part(rows, grain: 1), columns)
    let byColumns = work(rows, part(columns, grain: Self.columnGrain))
    return packsBoth ? byRows <= byColumns : 10 * byRows <= 11 * byColumns
  }

  /// A product on one thread.
  ///
  /// - Parameter area: where the kernel packs the right operand; nil for OpenBLAS.
  private func multiplyPart(
    _ left: Matrix, _ leftOrientation: Orientation, _ right: Matrix,
    _ rightOrientation: Orientation, _ depth: Int, into result: Matrix, from start: SumStart,
    _ area: UnsafeMutablePointer<Float>?
  ) {
    if let area {
      let sums = start.sums(of: result)
      kernels.product(
        leftOrientation.operand(left), rightOrientation.operand(right), result.rows,
        result.columns, depth, sums.base, sums.stride, result.base, result.stride, area)
      return
    }
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
