import CTKCore

/// The local heap that holds the names of an old-style group.
///
/// HDF5 File Format Specification, section III.D.
struct NameHeap {
  private let data: FormatCursor

  /// - Throws: `hdf5.damaged`.
  init(_ image: FileImage, at address: UInt64) throws(HDF5Error) {
    var cursor = try image.cursor(at: address, "name heap")
    try cursor.signature("HEAP")
    _ = try cursor.version(0...0)
    try cursor.skip(3)
    let byteCount = try cursor.length()
    try cursor.skip(image.lengthWidth)
    let dataAddress = try cursor.requiredAddress("the heap's data")
    data = try image.cursor(at: dataAddress, byteCount: byteCount, "name heap data")
  }

  /// The bytes of a name.
  ///
  /// - Throws: `hdf5.damaged` when it leaves the heap.
  func name(at offset: UInt64) throws(HDF5Error) -> UnsafeRawBufferPointer.SubSequence {
    var cursor = data
    guard let start = Int(exactly: offset) else {
      throw cursor.damaged("a name lies at offset \(offset)")
    }
    try cursor.skip(start)
    return cursor.image.bytes[try cursor.text()]
  }
}
