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

  /// Elements that lie side by side in the chunk and in the dataset.
  struct Run {
    let source: Int
    let target: Int
    let count: Int
  }

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

  /// Visits the rows of a chunk that lie inside the dataset.
  func forEachRun(ofChunkAt origin: [Int], _ body: (Run) -> Void) {
    let last = shape.count - 1
    let extents = shape.indices.map { min(chunk[$0], shape[$0] - origin[$0]) }
    var position = [Int](repeating: 0, count: shape.count)
    while true {
      var (source, target) = (0, 0)
      for axis in shape.indices {
        source = source * chunk[axis] + position[axis]
        target = target * shape[axis] + origin[axis] + position[axis]
      }
      body(Run(source: source, target: target, count: extents[last]))
      var axis = last - 1
      while axis >= 0 {
        position[axis] += 1
        if position[axis] < extents[axis] { break }
        position[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
