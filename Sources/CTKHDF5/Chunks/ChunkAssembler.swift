import CTKCore

/// Puts a dataset together from its chunks.
struct ChunkAssembler: ~Copyable {
  let grid: ChunkGrid
  private let chunks: ChunkStorage
  private let name: String
  private let elementByteCount: Int
  /// The whole dataset, row-major.
  private let target: UnsafeMutableRawBufferPointer
  private var decoder: ChunkDecoder

  /// - Throws: `hdf5.limit-exceeded`, `hdf5.shape-bomb`.
  init(
    _ dataset: StoredDataset, _ chunks: ChunkStorage, name: String,
    into target: UnsafeMutableRawBufferPointer
  ) throws(HDF5Error) {
    grid = try ChunkGrid(dataset.shape, chunk: chunks.layout.shape, name: name)
    self.chunks = chunks
    self.name = name
    self.target = target
    elementByteCount = dataset.elementByteCount
    decoder = ChunkDecoder(
      chunkByteCount: grid.elementsPerChunk * elementByteCount, name: name)
  }

  /// Decodes a stored chunk and copies what lies inside the dataset.
  mutating func place(
    _ stored: UnsafeRawBufferPointer, filterMask: UInt32, at origin: [Int]
  ) throws(HDF5Error) {
    let isUnfiltered = chunks.layout.leavesEdgesUnfiltered && grid.isPartial(chunkAt: origin)
    let filters = chunks.filters.enumerated().filter { position, _ in
      !isUnfiltered && filterMask >> UInt32(position) & 1 == 0
    }
    let (grid, target, elementByteCount) = (grid, target, elementByteCount)
    try decoder.decode(stored, filters: filters.map(\.element)) { chunk in
      grid.forEachRun(ofChunkAt: origin) { run in
        let from = run.source * elementByteCount
        let to = run.target * elementByteCount
        let count = run.count * elementByteCount
        UnsafeMutableRawBufferPointer(rebasing: target[to..<to + count])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[from..<from + count]))
      }
    }
  }

  /// Fills a chunk that was never written.
  func placeFill(at origin: [Int]) throws(HDF5Error) {
    guard let fill = chunks.fill else {
      throw HDF5Error(
        .damaged, "the chunk of '\(name)' at \(origin) is missing and there is no fill value")
    }
    grid.forEachRun(ofChunkAt: origin) { run in
      let bytes = run.target * elementByteCount..<(run.target + run.count) * elementByteCount
      UnsafeMutableRawBufferPointer(rebasing: target[bytes]).fill(withElement: fill)
    }
  }
}
