import CTKCore

/// Reads the values of one dataset.
struct DatasetReader {
  let dataset: StoredDataset
  let info: TensorInfo
  let image: FileImage

  private var needsSwap: Bool { dataset.isBigEndian && dataset.elementByteCount > 1 }

  /// The values where they lie in the file, when they need no decoding.
  var lent: UnsafeRawBufferPointer? {
    guard case .contiguous(let range) = dataset.storage, !needsSwap else { return nil }
    return UnsafeRawBufferPointer(rebasing: image.bytes[range])
  }

  /// The values in little-endian order, decoded by libhdf5 once ctk has seen that
  /// the library will not leave the file or a chunk.
  ///
  /// - Parameter path: the file, when it is one of its own; nil for a part of another.
  /// - Throws: `hdf5.damaged`, `hdf5.shape-bomb`, `hdf5.limit-exceeded`, `hdf5.read-failed`.
  func read(from path: String?) throws(HDF5Error) -> ByteBuffer {
    let buffer = ByteBuffer(byteCount: info.byteCount)
    if info.byteCount == 0 { return buffer }
    guard let path, !isBeyondLibrary else {
      try readAlone(into: buffer.bytes)
      return buffer
    }
    if case .chunked(let chunks) = dataset.storage {
      var walk = try ChunkWalk(dataset, chunks, name: info.name)
      try walk.check(image)
    }
    try LibraryReader.read(
      path, address: dataset.address, isBigEndian: needsSwap, into: buffer.bytes)
    return buffer
  }

  /// Whether the layout is newer than libhdf5 1.10 knows.
  private var isBeyondLibrary: Bool {
    guard case .chunked(let chunks) = dataset.storage else { return false }
    return chunks.layout.hasFullWidthSizes
  }

  /// Reads without the library.
  private func readAlone(into target: UnsafeMutableRawBufferPointer) throws(HDF5Error) {
    switch dataset.storage {
    case .contiguous(let range):
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: image.bytes[range]))
    case .absent(let fill):
      target.fill(withElement: fill)
    case .chunked(let chunks):
      var walk = try ChunkWalk(dataset, chunks, name: info.name)
      try walk.assemble(image, into: target)
    }
    if needsSwap { target.swapBytes(ofElements: dataset.elementByteCount) }
  }
}
