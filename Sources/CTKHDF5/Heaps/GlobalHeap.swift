import CTKCore

/// The heap collections that hold strings of variable length.
///
/// HDF5 File Format Specification, section III.E.
struct GlobalHeap {
  private let image: FileImage
  private var collections: [UInt64: [Int: Range<Int>]] = [:]

  init(_ image: FileImage) { self.image = image }

  /// Where the object of a collection lies.
  ///
  /// - Throws: `hdf5.damaged`.
  mutating func object(_ index: Int, at address: UInt64) throws(HDF5Error) -> Range<Int> {
    if collections[address] == nil { collections[address] = try readCollection(at: address) }
    guard let range = collections[address]?[index] else {
      throw HDF5Error(
        .damaged, "the global heap at address \(address) holds no object \(index)")
    }
    return range
  }

  private func readCollection(at address: UInt64) throws(HDF5Error) -> [Int: Range<Int>] {
    var header = try image.cursor(at: address, "global heap")
    try header.signature("GCOL")
    _ = try header.version(1...1)
    try header.skip(3)
    let byteCount = try header.length()
    var cursor = try image.cursor(at: address, byteCount: byteCount, "global heap")
    try cursor.skip(8 + image.lengthWidth)
    var objects: [Int: Range<Int>] = [:]
    while cursor.remaining >= 8 + image.lengthWidth {
      let index = try cursor.short()
      // Object 0 is the free space that ends the collection.
      if index == 0 { break }
      try cursor.skip(6)
      let objectByteCount = try cursor.length()
      guard let count = Int(exactly: objectByteCount), count <= cursor.remaining else {
        throw cursor.damaged("object \(index) of \(objectByteCount) bytes leaves the heap")
      }
      objects[index] = try cursor.skip(count)
      try cursor.skip(min(cursor.remaining, (8 - count % 8) % 8))
    }
    return objects
  }
}
