import CTKCore

/// How a dataset of some shape is cut into chunks, all of one shape.
///
/// Chunks at the edge reach over it; their surplus elements mean nothing.
struct ChunkGrid {
  let shape: [Int]
  let chunk: [Int]
  let chunkCount: Int
  let elementsPerChunk: Int
  private let chunksPerAxis: [Int]

  /// - Parameter shape: extents above 0; `chunk` has the same rank.
  /// - Throws: `hdf5.limit-exceeded`, `hdf5.shape-bomb`.
  init(_ shape: [Int], chunk: [Int], name: String) throws(HDF5Error) {
    self.shape = shape
    self.chunk = chunk
    chunksPerAxis = zip(shape, chunk).map { ($0 - 1) / $1 + 1 }
    var (chunks, elements) = (1, 1)
    for (count, extent) in zip(chunksPerAxis, chunk) {
      let (chunkProduct, overflow) = chunks.multipliedReportingOverflow(by: count)
      guard !overflow, chunkProduct <= HDF5Limits.chunkCount else {
        throw HDF5Error(
          .limitExceeded, "'\(name)' is cut into more than \(HDF5Limits.chunkCount) chunks")
      }
      let (elementProduct, isTooLarge) = elements.multipliedReportingOverflow(by: extent)
      guard !isTooLarge, elementProduct <= Int(UInt32.max) else {
        throw HDF5Error(.shapeBomb, "'\(name)' has chunks of shape \(chunk)")
      }
      (chunks, elements) = (chunkProduct, elementProduct)
    }
    chunkCount = chunks
    elementsPerChunk = elements
  }

  /// A chunk's place in the grid, by row-major chunk number.
  func position(of number: Int) -> [Int] {
    var rest = number
    var position = shape
    for axis in shape.indices.reversed() {
      position[axis] = rest % chunksPerAxis[axis]
      rest /= chunksPerAxis[axis]
    }
    return position
  }

  /// The first element of a chunk, by row-major chunk number.
  func origin(of number: Int) -> [Int] {
    zip(position(of: number), chunk).map { $0 * $1 }
  }

  /// The row-major number of the chunk at a place in the grid; nil outside.
  func number(ofChunkInGrid position: [UInt64]) -> Int? {
    var number = 0
    for axis in shape.indices {
      guard let place = Int(exactly: position[axis]), place < chunksPerAxis[axis] else {
        return nil
      }
      number = number * chunksPerAxis[axis] + place
    }
    return number
  }

  /// The row-major number of the chunk at an origin; nil outside the dataset or
  /// between the chunks.
  func number(ofChunkAt origin: [UInt64]) -> Int? {
    let isAligned = shape.indices.allSatisfy { origin[$0] % UInt64(chunk[$0]) == 0 }
    if !isAligned { return nil }
    return number(ofChunkInGrid: zip(origin, chunk).map { $0 / UInt64($1) })
  }

  /// Whether a chunk reaches over the dataset's edge.
  func isPartial(chunkAt origin: [Int]) -> Bool {
    shape.indices.contains { chunk[$0] > shape[$0] - origin[$0] }
  }
}
