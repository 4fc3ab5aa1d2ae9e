import CHDF5
import CTKCore

/// Undoes the filters of one chunk after another, in two buffers of its own.
///
/// The result must have exactly a chunk's size.
struct ChunkDecoder: ~Copyable {
  private let chunkByteCount: Int
  private let name: String
  private var result = ByteBuffer(byteCount: 0)
  private var spare = ByteBuffer(byteCount: 0)

  init(chunkByteCount: Int, name: String) {
    self.chunkByteCount = chunkByteCount
    self.name = name
  }

  /// Decodes a stored chunk and lends its elements.
  ///
  /// - Parameter filters: those the chunk went through, in the order of writing.
  /// - Throws: `hdf5.damaged` when the result has not exactly a chunk's size or
  ///   a checksum does not fit; `hdf5.shape-bomb`.
  mutating func decode(
    _ stored: UnsafeRawBufferPointer, filters: [ChunkFilter],
    _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(HDF5Error) {
    if HDF5Limits.isBomb(declared: chunkByteCount, stored: stored.count) {
      throw HDF5Error(
        .shapeBomb,
        "a chunk of '\(name)' declares \(chunkByteCount) bytes and stores \(stored.count)")
    }
    var bytes = stored
    for position in filters.indices.reversed() {
      switch filters[position] {
      case .deflate:
        let checksums = filters[..<position].count { $0 == .fletcher32 }
        bytes = try inflate(bytes, to: chunkByteCount + 4 * checksums)
      case .shuffle(let elementByteCount): bytes = unshuffle(bytes, elementByteCount)
      case .fletcher32: bytes = try verifyChecksum(bytes)
      }
    }
    guard bytes.count == chunkByteCount else {
      throw damaged("\(bytes.count) bytes, \(chunkByteCount) expected")
    }
    body(bytes)
  }

  private func damaged(_ what: String) -> HDF5Error {
    HDF5Error(.damaged, "a chunk of '\(name)': \(what)")
  }

  /// Makes the buffer that does not hold the current bytes the result.
  private mutating func turnBuffers(byteCount: Int) {
    swap(&result, &spare)
    if result.byteCount < byteCount { result = ByteBuffer(byteCount: byteCount) }
  }

  private mutating func inflate(
    _ source: UnsafeRawBufferPointer, to expected: Int
  ) throws(HDF5Error) -> UnsafeRawBufferPointer {
    turnBuffers(byteCount: expected)
    let target = result.bytes
    var found = uLongf(expected)
    let status = uncompress(
      target.baseAddress?.assumingMemoryBound(to: UInt8.self), &found,
      source.baseAddress?.assumingMemoryBound(to: UInt8.self), uLong(source.count))
    guard status == Z_OK, Int(found) == expected else {
      throw damaged("it does not inflate to its \(expected) bytes (zlib status \(status))")
    }
    return UnsafeRawBufferPointer(rebasing: target[..<expected])
  }

  /// Puts the bytes of each element together again; a rest stays as it is.
  private mutating func unshuffle(
    _ source: UnsafeRawBufferPointer, _ elementByteCount: Int
  ) -> UnsafeRawBufferPointer {
    let elementCount = source.count / elementByteCount
    if elementByteCount == 1 || elementCount < 2 { return source }
    turnBuffers(byteCount: source.count)
    let target = result.bytes
    for byte in 0..<elementByteCount {
      let plane = byte * elementCount
      for element in 0..<elementCount {
        target[element * elementByteCount + byte] = source[plane + element]
      }
    }
    for rest in elementCount * elementByteCount..<source.count { target[rest] = source[rest] }
    return UnsafeRawBufferPointer(rebasing: target[..<source.count])
  }

  private func verifyChecksum(
    _ source: UnsafeRawBufferPointer
  ) throws(HDF5Error) -> UnsafeRawBufferPointer {
    guard source.count >= 4 else { throw damaged("it is too short for its checksum") }
    let bytes = UnsafeRawBufferPointer(rebasing: source[..<(source.count - 4)])
    let stored = UInt32(
      littleEndian: source.loadUnaligned(fromByteOffset: bytes.count, as: UInt32.self))
    let found = Fletcher32.of(bytes)
    guard stored == found || stored == Fletcher32.withSwappedHalves(found) else {
      throw damaged("its checksum is \(stored), its bytes give \(found)")
    }
    return bytes
  }
}
