import CKernels
import CTKTensor

/// The rows and columns of a weight matrix that hold any child entry.
///
/// A Fisher mask leaves whole rows and columns of many matrices empty; a gradient
/// formed over the window alone costs only the window's share of the product.
struct GradientWindow {
  let rows: KeptLines
  let columns: KeptLines
  /// Places of the child's entries within the window, row-major.
  let positions: PositionBuffer

  /// - Parameter positions: ascending places within the whole row-major matrix.
  init(positions: UnsafeBufferPointer<UInt32>, rows rowCount: Int, columns columnCount: Int) {
    var (rowIsKept, columnIsKept) = (
      [Bool](repeating: false, count: rowCount), [Bool](repeating: false, count: columnCount)
    )
    for position in positions {
      rowIsKept[Int(position) / columnCount] = true
      columnIsKept[Int(position) % columnCount] = true
    }
    rows = KeptLines(isKept: rowIsKept)
    columns = KeptLines(isKept: columnIsKept)
    let (rowRank, columnRank) = (rows.ranks, columns.ranks)
    self.positions = PositionBuffer(count: positions.count)
    for (entry, position) in positions.enumerated() {
      let (row, column) = Int(position).quotientAndRemainder(dividingBy: columnCount)
      self.positions.base[entry] = UInt32(rowRank[row] * columns.count + columnRank[column])
    }
  }
}

/// Some rows or some columns of a matrix, as a bitmap for the `keep_columns` kernel.
struct KeptLines {
  /// Bit `c mod 16` of word `c / 16` is set when line `c` is kept.
  private let bitmap: [UInt16]
  /// Kept lines before each line.
  let ranks: [Int]
  let count: Int
  /// Whether so many lines are left out that copying the others pays: a copy costs about
  /// as much as a tenth of the product that it shortens.
  let isNarrow: Bool

  /// Share of kept lines up to which copying them pays.
  private static let narrowShare = 0.9

  init(isKept: [Bool]) {
    let keptCount = isKept.count { $0 }
    isNarrow = Double(keptCount) <= Self.narrowShare * Double(isKept.count)
    // Lines that are not worth leaving out are all kept.
    let kept = isNarrow ? isKept : isKept.map { _ in true }
    var bitmap = [UInt16](repeating: 0, count: (kept.count + 15) / 16)
    var ranks: [Int] = []
    var rank = 0
    for (line, isKept) in kept.enumerated() {
      ranks.append(rank)
      if isKept {
        bitmap[line / 16] |= 1 << (line % 16)
        rank += 1
      }
    }
    self.bitmap = bitmap
    self.ranks = ranks
    count = rank
  }

  /// Floats from one row of a packed copy to the next; 0 when there is no copy.
  var packedStride: Int { isNarrow ? (count + 31) / 16 * 16 : 0 }

  /// The kept columns of a matrix, side by side; the matrix itself when all are kept.
  ///
  /// - Parameter scratch: `matrix.rows * packedStride` floats.
  func pack(
    _ matrix: Matrix, into scratch: UnsafeMutablePointer<Float>, _ compute: Compute
  ) -> Matrix {
    guard isNarrow else { return matrix }
    let packed = Matrix(scratch, rows: matrix.rows, columns: count, stride: packedStride)
    bitmap.withUnsafeBufferPointer { bits in
      guard let base = bits.baseAddress else { return }
      // Read-only for as long as the parts run.
      nonisolated(unsafe) let bitmap = base
      compute.parallel(matrix.rows, weight: matrix.columns / 4 + 1) { part in
        compute.kernels.keep_columns(
          matrix.rows(part).base, part.count, matrix.stride, bitmap, bits.count,
          packed.rows(part).base, packed.stride)
      }
    }
    return packed
  }
}
