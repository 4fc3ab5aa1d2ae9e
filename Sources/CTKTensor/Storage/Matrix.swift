/// A view of row-major f32 rows that lie `stride` floats apart.
///
/// The view does not own its memory: it lives as long as the arena or buffer
/// it was taken from.
package struct Matrix {
  package let base: UnsafeMutablePointer<Float>
  package let rows: Int
  package let columns: Int
  package let stride: Int

  package init(
    _ base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil
  ) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
  }

  package var isContiguous: Bool { stride == columns }

  /// Some consecutive rows.
  package func rows(_ range: Range<Int>) -> Matrix {
    Matrix(
      base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// Some consecutive columns of every row.
  package func columns(_ range: Range<Int>) -> Matrix {
    Matrix(base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// The values row by row; for tests and small results.
  package func array() -> [Float] {
    (0..<rows).flatMap { row in
      UnsafeBufferPointer(start: base + row * stride, count: columns)
    }
  }
}
