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
  /// - Throws: `hdf5.damaged`, `hdf5.shape-bomb`, `hdf5.limit-exceeded`, `hdf5.read-failed`.
  func read(from path: String) throws(HDF5Error) -> ByteBuffer {
    let buffer = ByteBuffer(byteCount: info.byteCount)
    if info.byteCount == 0 { return buffer }
    if case .chunked(let chunks) = dataset.storage {
      var check = try ChunkCheck(dataset, chunks, name: info.name)
      try check.run(image, elementByteCount: dataset.elementByteCount)
    }
    try LibraryReader.read(
      path, address: dataset.address, isBigEndian: needsSwap, into: buffer.bytes)
    return buffer
  }
}
