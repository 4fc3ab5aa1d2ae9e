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

  /// The values in little-endian order.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.shape-bomb`, `hdf5.limit-exceeded`.
  func read() throws(HDF5Error) -> ByteBuffer {
    let buffer = ByteBuffer(byteCount: info.byteCount)
    let target = buffer.bytes
    if target.isEmpty { return buffer }
    switch dataset.storage {
    case .contiguous(let range):
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: image.bytes[range]))
    case .absent(let fill): target.fill(withElement: fill)
    case .chunked(let chunks): try readChunks(chunks, into: target)
    }
    if needsSwap { target.swapBytes(ofElements: dataset.elementByteCount) }
    return buffer
  }

  private func readChunks(
    _ chunks: ChunkStorage, into target: UnsafeMutableRawBufferPointer
  ) throws(HDF5Error) {
    var assembler = try ChunkAssembler(dataset, chunks, name: info.name, into: target)
    let grid = assembler.grid
    let locator = ChunkLocator(
      image: image, chunks: chunks, grid: grid, elementByteCount: dataset.elementByteCount,
      name: info.name)
    let found = try locator.chunksByNumber()
    for number in 0..<grid.chunkCount {
      let origin = grid.origin(of: number)
      if let chunk = found[number] {
        let stored = UnsafeRawBufferPointer(rebasing: image.bytes[chunk.bytes])
        try assembler.place(stored, filterMask: chunk.filterMask, at: origin)
      } else {
        try assembler.placeFill(at: origin)
      }
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Repeats one element; the count is a multiple of the element's.
  func fill(withElement element: [UInt8]) {
    for (offset, byte) in element.enumerated() {
      for position in stride(from: offset, to: count, by: element.count) { self[position] = byte }
    }
  }

  /// Turns the byte order of 2-, 4- or 8-byte elements.
  fileprivate func swapBytes(ofElements byteCount: Int) {
    switch byteCount {
    case 2: swapBytes(of: UInt16.self)
    case 4: swapBytes(of: UInt32.self)
    default: swapBytes(of: UInt64.self)
    }
  }

  private func swapBytes<Word: FixedWidthInteger & BitwiseCopyable>(of type: Word.Type) {
    let stride = MemoryLayout<Word>.size
    for offset in Swift.stride(from: 0, through: count - stride, by: stride) {
      let word = loadUnaligned(fromByteOffset: offset, as: type)
      storeBytes(of: word.byteSwapped, toByteOffset: offset, as: type)
    }
  }
}
