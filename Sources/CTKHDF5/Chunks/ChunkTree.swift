import CTKCore

/// The version 1 B-tree that finds a dataset's chunks.
///
/// HDF5 File Format Specification, section III.A.1, node type 1.
struct ChunkTree {
  let image: FileImage
  let address: UInt64
  /// Axes of the dataset.
  let rank: Int

  /// Visits the chunks with their origins, in the order of the tree.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.limit-exceeded`, and what `body` throws.
  func forEach(
    _ body: ([UInt64], StoredChunk) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    var walk = TreeWalk(address, in: image, "chunk B-tree")
    while let node = try walk.next() {
      var cursor = try image.cursor(at: node.address, "chunk B-tree node")
      try cursor.signature("TREE")
      let type = try cursor.byte()
      let level = try cursor.byte()
      guard type == 1, level == node.level ?? level else {
        throw cursor.damaged("type \(type) and level \(level) do not belong here")
      }
      let count = try cursor.short()
      try cursor.skip(2 * image.addressWidth)
      for _ in 0..<count {
        try visitEntry(&cursor, level: level, &walk, body)
      }
      try walk.claim(cursor)
    }
  }

  private func visitEntry(
    _ cursor: inout FormatCursor, level: Int, _ walk: inout TreeWalk,
    _ body: ([UInt64], StoredChunk) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    let byteCount = try cursor.number(4)
    let mask = UInt32(try cursor.number(4))
    var origin: [UInt64] = []
    for _ in 0..<rank { origin.append(try cursor.number(8)) }
    try cursor.skip(8)
    let child = try cursor.requiredAddress("a child")
    if level > 0 {
      walk.add(child, level: level - 1)
    } else {
      try body(origin, try StoredChunk(image, at: child, byteCount: byteCount, filterMask: mask))
    }
  }
}
