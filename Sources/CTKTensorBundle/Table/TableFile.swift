import CTKCore

/// The entries of a sorted string table, LevelDB's file format.
enum TableFile {
  private static let footerByteCount = 48
  private static let magic: UInt64 = 0xDB47_7524_8B80_FB57

  /// Calls the body with every entry, keys in ascending order.
  ///
  /// - Throws: `bundle.not-a-bundle`, `bundle.damaged`, `bundle.checksum-mismatch`,
  ///   `bundle.unsupported`, `bundle.limit-exceeded`, and what the body throws.
  static func forEachEntry(
    of file: UnsafeRawBufferPointer,
    _ body: (_ key: [UInt8], _ value: UnsafeRawBufferPointer) throws(TensorBundleError) -> Void
  ) throws(TensorBundleError) {
    var index = try TableBlock(try indexHandle(of: file), of: file)
    var previous: [UInt8]?
    var count = 0
    var blockEnd = 0
    while let value = try index.next() {
      var reader = ByteReader(value)
      guard let handle = BlockHandle(&reader), reader.isAtEnd else {
        throw TensorBundleError(.damaged, "an entry of the table's index is no block handle")
      }
      // Blocks lie one behind the other, so that no bytes are read twice.
      guard handle.offset >= blockEnd else {
        throw TensorBundleError(.damaged, "the blocks of the table overlap")
      }
      var block = try TableBlock(handle, of: file)
      blockEnd = handle.offset + handle.byteCount
      while let value = try block.next() {
        if let previous, !previous.lexicographicallyPrecedes(block.key) {
          throw TensorBundleError(.damaged, "the table's keys do not ascend")
        }
        previous = block.key
        count += 1
        guard count <= BundleLimits.entryCount else {
          throw TensorBundleError(
            .limitExceeded, "the table has more than \(BundleLimits.entryCount) entries")
        }
        try body(block.key, value)
      }
    }
  }

  private static func indexHandle(
    of file: UnsafeRawBufferPointer
  ) throws(TensorBundleError) -> BlockHandle {
    let start = file.count - footerByteCount
    guard start >= 0,
      UInt64(littleEndian: file.loadUnaligned(fromByteOffset: file.count - 8, as: UInt64.self))
        == magic
    else {
      throw TensorBundleError(
        .notBundle, "the file does not end in the footer of a table",
        hint: "name the .index file of a TensorFlow checkpoint; it may be cut off")
    }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file[start..<file.count - 8]))
    guard BlockHandle(&reader) != nil, let index = BlockHandle(&reader) else {
      throw TensorBundleError(.damaged, "the table's footer has no block handles")
    }
    return index
  }
}
