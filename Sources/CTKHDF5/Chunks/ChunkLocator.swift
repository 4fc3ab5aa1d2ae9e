import CTKCore

/// Finds where the chunks of a dataset lie, whatever index the file uses.
struct ChunkLocator {
  let image: FileImage
  let chunks: ChunkStorage
  let grid: ChunkGrid
  let elementByteCount: Int
  let name: String

  /// The chunks that were written, by their row-major numbers.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.limit-exceeded`.
  func chunksByNumber() throws(HDF5Error) -> [Int: StoredChunk] {
    guard let address = chunks.layout.address else { return [:] }
    let byteCount = grid.elementsPerChunk * elementByteCount
    let element = ChunkElement(chunks, chunkByteCount: byteCount, image)
    switch chunks.layout.index {
    case .tree: return try treeChunks(at: address)
    case .newTree: return try newTreeChunks(at: address, element)
    case .single(let stored, let mask):
      let count = stored ?? UInt64(byteCount)
      return [0: try StoredChunk(image, at: address, byteCount: count, filterMask: mask)]
    case .implicit:
      return try arrayChunks { (index) throws(HDF5Error) in
        let (offset, overflow) = index.multipliedReportingOverflow(by: byteCount)
        let (start, carries) = address.addingReportingOverflow(UInt64(offset))
        if overflow || carries { throw HDF5Error(.damaged, "'\(name)' leaves the file") }
        return try StoredChunk(image, at: start, byteCount: UInt64(byteCount), filterMask: 0)
      }
    case .fixedArray:
      var array = try FixedArray(image, at: address)
      return try arrayChunks { (index) throws(HDF5Error) in
        guard var cursor = try array.element(index) else { return nil }
        return try element.read(&cursor)
      }
    case .extensibleArray:
      var array = try ExtensibleArray(image, at: address)
      return try arrayChunks { (index) throws(HDF5Error) in
        guard var cursor = try array.element(index) else { return nil }
        return try element.read(&cursor)
      }
    }
  }

  private func treeChunks(at address: UInt64) throws(HDF5Error) -> [Int: StoredChunk] {
    var found: [Int: StoredChunk] = [:]
    let tree = ChunkTree(image: image, address: address, rank: grid.shape.count)
    try tree.forEach { (origin, chunk) throws(HDF5Error) in
      try add(chunk, grid.number(ofChunkAt: origin), to: &found)
    }
    return found
  }

  private func newTreeChunks(
    at address: UInt64, _ element: ChunkElement
  ) throws(HDF5Error) -> [Int: StoredChunk] {
    var found: [Int: StoredChunk] = [:]
    let kind: NewTree.Kind = element.isFiltered ? .filteredChunks : .chunks
    try NewTree(image, at: address, kind).forEach { (record) throws(HDF5Error) in
      guard let chunk = try element.read(&record) else { return }
      var position: [UInt64] = []
      for _ in grid.shape { position.append(try record.number(8)) }
      try add(chunk, grid.number(ofChunkInGrid: position), to: &found)
    }
    return found
  }

  /// Chunks outside the extents remain when a dataset was shrunk: number nil.
  private func add(
    _ chunk: StoredChunk, _ number: Int?, to found: inout [Int: StoredChunk]
  ) throws(HDF5Error) {
    guard let number else { return }
    if found.updateValue(chunk, forKey: number) != nil {
      throw HDF5Error(.damaged, "'\(name)' has chunk \(number) twice")
    }
  }

  private func arrayChunks(
    _ element: (Int) throws(HDF5Error) -> StoredChunk?
  ) throws(HDF5Error) -> [Int: StoredChunk] {
    let order = try ArrayOrder(grid, maxima: chunks.maxima, name: name)
    var found: [Int: StoredChunk] = [:]
    for number in 0..<grid.chunkCount {
      found[number] = try element(try order.index(of: number, in: grid))
    }
    return found
  }
}

/// Where a chunk stands in an index that is an array: row-major over the extents
/// the dataset may grow to, the axis without limit first.
private struct ArrayOrder {
  private let axes: [Int]
  private let counts: [Int]
  private let name: String

  init(_ grid: ChunkGrid, maxima: [UInt64?], name: String) throws(HDF5Error) {
    self.name = name
    let unlimited = maxima.firstIndex { $0 == nil }
    axes = (unlimited.map { [$0] } ?? []) + maxima.indices.filter { $0 != unlimited }
    var counts: [Int] = []
    for axis in maxima.indices {
      let maximum = maxima[axis].map { Int(clamping: $0) } ?? grid.shape[axis]
      counts.append(maximum == 0 ? 0 : (maximum - 1) / grid.chunk[axis] + 1)
    }
    self.counts = counts
  }

  func index(of number: Int, in grid: ChunkGrid) throws(HDF5Error) -> Int {
    let position = grid.position(of: number)
    var index = 0
    for axis in axes {
      let (product, overflow) = index.multipliedReportingOverflow(by: counts[axis])
      let (sum, carries) = product.addingReportingOverflow(position[axis])
      if overflow || carries {
        throw HDF5Error(.damaged, "'\(name)' may grow to more chunks than there can be")
      }
      index = sum
    }
    return index
  }
}
