import CTKCore

/// Decodes every chunk of a dataset to see that libhdf5 may.
///
/// libhdf5 1.10 does not compare the size of a decoded chunk with the declared
/// one and reads past its end; a chunk that passes here has exactly that size.
struct ChunkCheck: ~Copyable {
  let grid: ChunkGrid
  private let chunks: ChunkStorage
  private let name: String
  private var decoder: ChunkDecoder

  /// - Throws: `hdf5.limit-exceeded`, `hdf5.shape-bomb`.
  init(_ dataset: StoredDataset, _ chunks: ChunkStorage, name: String) throws(HDF5Error) {
    grid = try ChunkGrid(dataset.shape, chunk: chunks.layout.shape, name: name)
    self.chunks = chunks
    self.name = name
    decoder = ChunkDecoder(
      chunkByteCount: grid.elementsPerChunk * dataset.elementByteCount, name: name)
  }

  /// - Throws: `hdf5.damaged`, `hdf5.shape-bomb`, `hdf5.limit-exceeded`.
  mutating func run(_ image: FileImage, elementByteCount: Int) throws(HDF5Error) {
    let found = try ChunkLocator(
      image: image, chunks: chunks, grid: grid, elementByteCount: elementByteCount, name: name
    ).chunksByNumber()
    for number in 0..<grid.chunkCount {
      let origin = grid.origin(of: number)
      if let chunk = found[number] {
        let stored = UnsafeRawBufferPointer(rebasing: image.bytes[chunk.bytes])
        try decoder.decode(stored, filters: filters(chunk.filterMask, at: origin)) { _ in }
      } else if chunks.fill == nil {
        throw HDF5Error(
          .damaged, "the chunk of '\(name)' at \(origin) is missing and there is no fill value")
      }
    }
  }

  private func filters(_ mask: UInt32, at origin: [Int]) -> [ChunkFilter] {
    if chunks.layout.leavesEdgesUnfiltered && grid.isPartial(chunkAt: origin) { return [] }
    return chunks.filters.enumerated()
      .filter { position, _ in mask >> UInt32(position) & 1 == 0 }.map(\.element)
  }
}
