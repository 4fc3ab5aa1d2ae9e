import CTKCore

/// Decodes the chunks of a dataset, each to exactly the declared size.
///
/// libhdf5 1.10 does not compare the size of a decoded chunk with the declared
/// one and reads past its end; where every chunk passes here, it may read.
struct ChunkWalk: ~Copyable {
  let grid: ChunkGrid
  private let chunks: ChunkStorage
  private let name: String
  private let elementByteCount: Int
  private var decoder: ChunkDecoder

  /// - Throws: `hdf5.limit-exceeded`, `hdf5.shape-bomb`.
  init(_ dataset: StoredDataset, _ chunks: ChunkStorage, name: String) throws(HDF5Error) {
    grid = try ChunkGrid(dataset.shape, chunk: chunks.layout.shape, name: name)
    self.chunks = chunks
    self.name = name
    elementByteCount = dataset.elementByteCount
    decoder = ChunkDecoder(
      chunkByteCount: grid.elementsPerChunk * dataset.elementByteCount, name: name)
  }

  /// Decodes every chunk.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.shape-bomb`, `hdf5.limit-exceeded`.
  mutating func check(_ image: FileImage) throws(HDF5Error) {
    try forEach(image) { _, _ in }
  }

  /// Puts the whole dataset together, row-major.
  ///
  /// - Throws: as `check`.
  mutating func assemble(
    _ image: FileImage, into target: UnsafeMutableRawBufferPointer
  ) throws(HDF5Error) {
    let (grid, elementByteCount, fill) = (grid, elementByteCount, chunks.fill)
    try forEach(image) { origin, chunk in
      grid.forEachRun(ofChunkAt: origin) { run in
        let start = run.target * elementByteCount
        let place = UnsafeMutableRawBufferPointer(
          rebasing: target[start..<start + run.count * elementByteCount])
        if let chunk {
          let from = run.source * elementByteCount
          place.copyMemory(
            from: UnsafeRawBufferPointer(rebasing: chunk[from..<from + place.count]))
        } else if let fill {
          place.fill(withElement: fill)
        }
      }
    }
  }

  /// - Parameter visit: receives a chunk's first element and its decoded bytes; nil for a chunk
  ///   that was never written, which has the fill value.
  private mutating func forEach(
    _ image: FileImage, _ visit: ([Int], UnsafeRawBufferPointer?) -> Void
  ) throws(HDF5Error) {
    let found = try ChunkLocator(
      image: image, chunks: chunks, grid: grid, elementByteCount: elementByteCount, name: name
    ).chunksByNumber()
    for number in 0..<grid.chunkCount {
      let origin = grid.origin(of: number)
      if let chunk = found[number] {
        let stored = UnsafeRawBufferPointer(rebasing: image.bytes[chunk.bytes])
        try decoder.decode(stored, filters: filters(chunk.filterMask, at: origin)) {
          visit(origin, $0)
        }
      } else if chunks.fill == nil {
        throw HDF5Error(
          .damaged, "the chunk of '\(name)' at \(origin) is missing and there is no fill value")
      } else {
        visit(origin, nil)
      }
    }
  }

  private func filters(_ mask: UInt32, at origin: [Int]) -> [ChunkFilter] {
    if chunks.layout.leavesEdgesUnfiltered && grid.isPartial(chunkAt: origin) { return [] }
    return chunks.filters.enumerated()
      .filter { position, _ in mask >> UInt32(position) & 1 == 0 }.map(\.element)
  }
}
