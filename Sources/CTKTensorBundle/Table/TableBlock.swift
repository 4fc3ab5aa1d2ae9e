import CTKCore

/// Where a block lies in a table file.
struct BlockHandle {
  let offset: Int
  let byteCount: Int

  init?(_ reader: inout ByteReader) {
    guard let offset = reader.count(), let byteCount = reader.count() else { return nil }
    self.offset = offset
    self.byteCount = byteCount
  }
}

/// A block of sorted keys with shared prefixes, each with a value.
///
/// Entries are followed by the offsets of those that share nothing, and by their number.
struct TableBlock {
  private var reader: ByteReader
  private(set) var key: [UInt8] = []

  private static let trailerByteCount = 5

  /// Finds a block and checks its trailer: a compression type and a masked CRC-32C.
  init(_ handle: BlockHandle, of file: UnsafeRawBufferPointer) throws(TensorBundleError) {
    let (end, overflow) = handle.offset.addingReportingOverflow(handle.byteCount)
    guard !overflow, end <= file.count - Self.trailerByteCount else {
      throw TensorBundleError(
        .damaged, "a block of \(handle.byteCount) bytes at \(handle.offset) reaches past the table")
    }
    let bytes = file[handle.offset..<end]
    let type = file[end]
    guard type == 0 else {
      throw TensorBundleError(
        .unsupported,
        "the table is compressed (\(type == 1 ? "snappy" : "type \(type)")), which TensorFlow's "
          + "own checkpoints never are")
    }
    let stored = UInt32(
      littleEndian: file.loadUnaligned(fromByteOffset: end + 1, as: UInt32.self))
    let withType = UnsafeRawBufferPointer(rebasing: file[handle.offset...end])
    guard CRC32C.masked(CRC32C.checksum(withType)) == stored else {
      throw TensorBundleError(
        .checksumMismatch, "the block at byte \(handle.offset) does not have its CRC-32C",
        hint: "the file is damaged; fetch it again")
    }
    let entries = try Self.entryByteCount(UnsafeRawBufferPointer(rebasing: bytes))
    reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes.prefix(entries)))
  }

  /// The next value, whose key is then `key`; nil at the end.
  ///
  /// - Throws: `bundle.damaged`, also when keys do not ascend.
  mutating func next() throws(TensorBundleError) -> UnsafeRawBufferPointer? {
    if reader.isAtEnd { return nil }
    guard let shared = reader.count(), let rest = reader.count(), let valueCount = reader.count(),
      shared <= key.count, let suffix = reader.take(rest), let value = reader.take(valueCount)
    else {
      throw TensorBundleError(.damaged, "an entry of a table block is cut off")
    }
    guard shared + rest <= BundleLimits.keyByteCount else {
      throw TensorBundleError(
        .limitExceeded, "a key has more than \(BundleLimits.keyByteCount) bytes")
    }
    key.removeSubrange(shared...)
    key.append(contentsOf: suffix)
    return value
  }

  private static func entryByteCount(
    _ block: UnsafeRawBufferPointer
  ) throws(TensorBundleError) -> Int {
    let countOffset = block.count - 4
    guard countOffset >= 0 else { throw TensorBundleError(.damaged, "a table block is too short") }
    let restarts = Int(
      UInt32(littleEndian: block.loadUnaligned(fromByteOffset: countOffset, as: UInt32.self)))
    let entries = countOffset - restarts * 4
    guard entries >= 0 else {
      throw TensorBundleError(.damaged, "a table block has too many restarts: \(restarts)")
    }
    return entries
  }
}
