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
      var last: [UInt64] = []
      for _ in 0..<count {
        try visitEntry(&cursor, level: level, after: &last, &walk, body)
      }
      _ = try key(&cursor, after: &last)
      try walk.claim(cursor)
    }
  }

  private func visitEntry(
    _ cursor: inout FormatCursor, level: Int, after last: inout [UInt64],
    _ walk: inout TreeWalk, _ body: ([UInt64], StoredChunk) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    let key = try key(&cursor, after: &last)
    guard key.elementOffset == 0 else {
      throw cursor.damaged("the key of chunk \(key.origin) points into an element")
    }
    let child = try cursor.requiredAddress("a child")
    if level > 0 {
      walk.add(child, level: level - 1)
    } else {
      try body(
        key.origin,
        try StoredChunk(image, at: child, byteCount: key.byteCount, filterMask: key.filterMask))
    }
  }

  private struct Key {
    let byteCount: UInt64
    let filterMask: UInt32
    let origin: [UInt64]
    /// The offset within an element, along the tree's own last axis.
    let elementOffset: UInt64
  }

  /// Reads a key; libhdf5 looks chunks up by halving, so the keys must ascend.
  private func key(
    _ cursor: inout FormatCursor, after last: inout [UInt64]
  ) throws(HDF5Error) -> Key {
    let byteCount = try cursor.number(4)
    let mask = UInt32(try cursor.number(4))
    var origin: [UInt64] = []
    for _ in 0..<rank { origin.append(try cursor.number(8)) }
    let key = Key(
      byteCount: byteCount, filterMask: mask, origin: origin,
      elementOffset: try cursor.number(8))
    let place = origin + [key.elementOffset]
    guard last.isEmpty || last.lexicographicallyPrecedes(place) else {
      throw cursor.damaged("the keys \(last) and \(place) do not ascend")
    }
    last = place
    return key
  }
}
