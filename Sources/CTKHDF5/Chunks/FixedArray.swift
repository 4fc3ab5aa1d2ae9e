import CTKCore

/// The chunk index of datasets that cannot grow.
///
/// HDF5 File Format Specification, section III.I (Fixed Array Index).
struct FixedArray {
  private let image: FileImage
  private let elementByteCount: Int
  private let count: UInt64
  /// Elements of a page; pages exist only when there are more elements.
  private let pageCapacity: Int
  private let block: FormatCursor
  private let isPaged: Bool
  /// Which pages were ever written.
  private var pageFlags: Range<Int> = 0..<0
  private var verified: Set<Int> = []

  /// - Throws: `hdf5.damaged`.
  init(_ image: FileImage, at address: UInt64) throws(HDF5Error) {
    self.image = image
    var header = try image.cursor(at: address, "fixed array")
    try header.signature("FAHD")
    _ = try header.version(0...0)
    try header.skip(1)
    elementByteCount = try header.byte()
    let pageBits = try header.byte()
    count = try header.length()
    let blockAddress = try header.requiredAddress("the array's block")
    try header.checksum()
    guard pageBits < 32, elementByteCount > 0, count <= UInt64(HDF5Limits.chunkCount) else {
      throw header.damaged("\(count) elements in pages of 2^\(pageBits)")
    }
    pageCapacity = 1 << pageBits
    isPaged = count > UInt64(pageCapacity)

    var block = try image.cursor(at: blockAddress, "fixed array block")
    try block.signature("FADB")
    _ = try block.version(0...0)
    try block.skip(1 + image.addressWidth)
    if isPaged {
      let pageCount = (Int(count) + pageCapacity - 1) / pageCapacity
      pageFlags = try block.skip((pageCount + 7) / 8)
      try block.checksum()
    } else {
      var whole = block
      try whole.skip(Int(count) * elementByteCount)
      try whole.checksum()
    }
    self.block = block
  }

  /// A reader of an element; nil when its page was never written.
  ///
  /// - Throws: `hdf5.damaged`.
  mutating func element(_ index: Int) throws(HDF5Error) -> FormatCursor? {
    guard index < Int(count) else { throw block.damaged("it has no element \(index)") }
    var cursor = block
    guard isPaged else {
      try cursor.skip(index * elementByteCount)
      return try cursor.section(elementByteCount, "chunk element")
    }
    let page = index / pageCapacity
    let flag = image.bytes[pageFlags.lowerBound + page / 8]
    if flag & (0x80 >> UInt8(page % 8)) == 0 { return nil }
    try cursor.skip(page * (pageCapacity * elementByteCount + 4))
    let pageCount = min(pageCapacity, Int(count) - page * pageCapacity)
    var content = image.cursor(in: cursor.position..<cursor.end, "page of a fixed array")
    if verified.insert(page).inserted {
      var whole = content
      try whole.skip(pageCount * elementByteCount)
      try whole.checksum()
    }
    try content.skip(index % pageCapacity * elementByteCount)
    return try content.section(elementByteCount, "chunk element")
  }
}
