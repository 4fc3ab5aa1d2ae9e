/// Transposition in tiles that fit the first-level cache on both sides.
package enum MatrixTranspose {
  private static let tile = 32

  /// Writes a row-major [rows, columns] matrix as [columns, rows].
  ///
  /// Elements are 2, 4 or 8 bytes wide, as the byte count tells.
  package static func transpose(
    _ source: UnsafeRawBufferPointer, rows: Int, columns: Int,
    to target: UnsafeMutableRawBufferPointer
  ) {
    precondition(source.count == target.count)
    guard rows > 0, columns > 0 else { return }
    switch source.count / (rows * columns) {
    case 2: transpose(source, UInt16.self, rows, columns, target)
    case 4: transpose(source, UInt32.self, rows, columns, target)
    case 8: transpose(source, UInt64.self, rows, columns, target)
    default: preconditionFailure("elements must be 2, 4 or 8 bytes wide")
    }
  }

  /// The source may be unaligned.
  @inline(__always)
  private static func transpose<Element: FixedWidthInteger>(
    _ source: UnsafeRawBufferPointer, _: Element.Type, _ rows: Int, _ columns: Int,
    _ target: UnsafeMutableRawBufferPointer
  ) {
    guard let input = source.baseAddress, let base = target.baseAddress else { return }
    let output = base.bindMemory(to: Element.self, capacity: rows * columns)
    let width = MemoryLayout<Element>.size
    for firstRow in stride(from: 0, to: rows, by: tile) {
      let rowEnd = min(firstRow + tile, rows)
      for firstColumn in stride(from: 0, to: columns, by: tile) {
        for column in firstColumn..<min(firstColumn + tile, columns) {
          for row in firstRow..<rowEnd {
            output[column &* rows &+ row] = input.loadUnaligned(
              fromByteOffset: (row &* columns &+ column) &* width, as: Element.self)
          }
        }
      }
    }
  }
}
