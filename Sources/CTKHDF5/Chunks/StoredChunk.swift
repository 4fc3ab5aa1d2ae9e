import CTKCore

/// A chunk as the file stores it.
struct StoredChunk {
  /// Bytes of the file, counted from its base address.
  let bytes: Range<Int>
  /// Bit i is set when filter i was left out.
  let filterMask: UInt32

  /// - Throws: `hdf5.damaged` when the chunk leaves the file.
  init(
    _ image: FileImage, at address: UInt64, byteCount: UInt64, filterMask: UInt32
  ) throws(HDF5Error) {
    let cursor = try image.cursor(at: address, byteCount: byteCount, "chunk")
    bytes = cursor.start..<cursor.end
    self.filterMask = filterMask
  }
}

/// How the newer indexes store one chunk: its address and, when it is filtered,
/// its size and filter mask.
struct ChunkElement {
  let isFiltered: Bool
  /// Bytes of the size field.
  let sizeWidth: Int
  /// Bytes of a chunk that went through no filter.
  let chunkByteCount: Int

  init(_ chunks: ChunkStorage, chunkByteCount: Int, _ image: FileImage) {
    isFiltered = !chunks.filters.isEmpty
    self.chunkByteCount = chunkByteCount
    // A filtered chunk may grow, so the field has room for 256 times the size.
    sizeWidth =
      chunks.layout.hasFullWidthSizes
      ? image.lengthWidth
      : min(8, 1 + (63 - UInt64(chunkByteCount).leadingZeroBitCount + 8) / 8)
  }

  /// Reads an element; nil for a chunk that was never written.
  ///
  /// - Throws: `hdf5.damaged`.
  func read(_ cursor: inout FormatCursor) throws(HDF5Error) -> StoredChunk? {
    let address = try cursor.address()
    var (byteCount, mask) = (UInt64(chunkByteCount), UInt32(0))
    if isFiltered {
      byteCount = try cursor.number(sizeWidth)
      mask = UInt32(try cursor.number(4))
    }
    guard let address else { return nil }
    return try StoredChunk(cursor.image, at: address, byteCount: byteCount, filterMask: mask)
  }
}
