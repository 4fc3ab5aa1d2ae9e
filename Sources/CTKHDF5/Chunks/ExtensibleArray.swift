import CTKCore

/// The chunk index of datasets that can grow along one axis.
///
/// HDF5 File Format Specification, section III.H (Extensible Array Index). The
/// first elements lie in the index block, the next in data blocks it points at,
/// the others in data blocks of super blocks. Blocks double in size and number.
struct ExtensibleArray {
  private let image: FileImage
  private let elementByteCount: Int
  private let countBits: Int
  private let indexCapacity: Int
  private let smallestBlock: Int
  private let smallestPointerCount: Int
  private let pageCapacity: Int
  private let indexBlock: FormatCursor
  private var verified: Set<Int> = []

  /// - Throws: `hdf5.damaged`.
  init(_ image: FileImage, at address: UInt64) throws(HDF5Error) {
    self.image = image
    var header = try image.cursor(at: address, "extensible array")
    try header.signature("EAHD")
    _ = try header.version(0...0)
    try header.skip(1)
    elementByteCount = try header.byte()
    countBits = try header.byte()
    indexCapacity = try header.byte()
    smallestBlock = try header.byte()
    smallestPointerCount = try header.byte()
    let pageBits = try header.byte()
    try header.skip(6 * image.lengthWidth)
    let indexAddress = try header.requiredAddress("the array's index block")
    try header.checksum()
    guard elementByteCount > 0, (1...64).contains(countBits), pageBits < 32,
      smallestBlock.nonzeroBitCount == 1, smallestPointerCount.nonzeroBitCount == 1
    else { throw header.damaged("its block sizes make no sense") }
    pageCapacity = 1 << pageBits
    indexBlock = try image.cursor(at: indexAddress, "extensible array index")
    try verifyIndexBlock()
  }

  /// Super blocks whose data blocks the index block points at itself.
  private var directSuperBlockCount: Int { 2 * smallestPointerCount.trailingZeroBitCount }
  private var directBlockCount: Int { 2 * (smallestPointerCount - 1) }
  private var superBlockCount: Int { max(0, 1 + countBits - smallestBlock.trailingZeroBitCount) }

  private func verifyIndexBlock() throws(HDF5Error) {
    var cursor = try indexContent()
    try cursor.skip(indexCapacity * elementByteCount)
    let pointers = directBlockCount + max(0, superBlockCount - directSuperBlockCount)
    try cursor.skip(pointers * image.addressWidth)
    try cursor.checksum()
  }

  private func indexContent() throws(HDF5Error) -> FormatCursor {
    var cursor = indexBlock
    try cursor.signature("EAIB")
    _ = try cursor.version(0...0)
    try cursor.skip(1 + image.addressWidth)
    return cursor
  }

  /// A reader of an element; nil when its block was never written.
  ///
  /// - Throws: `hdf5.damaged`.
  mutating func element(_ index: Int) throws(HDF5Error) -> FormatCursor? {
    var cursor = try indexContent()
    if index < indexCapacity {
      try cursor.skip(index * elementByteCount)
      return try cursor.section(elementByteCount, "chunk element")
    }
    try cursor.skip(indexCapacity * elementByteCount)
    var rest = index - indexCapacity
    var firstBlock = 0
    for superBlock in 0..<superBlockCount {
      let blockCount = 1 << (superBlock / 2)
      let capacity = smallestBlock << ((superBlock + 1) / 2)
      if rest < blockCount * capacity {
        let place = Place(
          superBlock: superBlock, blockCount: blockCount, block: rest / capacity,
          capacity: capacity, position: rest % capacity)
        return try element(place, firstBlock: firstBlock, &cursor)
      }
      rest -= blockCount * capacity
      firstBlock += blockCount
    }
    throw indexBlock.damaged("it has no element \(index)")
  }

  /// Where an element lies behind the index block.
  private struct Place {
    let superBlock: Int
    /// Data blocks of the super block, and which of them.
    let blockCount: Int
    let block: Int
    /// Elements of the data block, and which of them.
    let capacity: Int
    let position: Int
  }

  private mutating func element(
    _ place: Place, firstBlock: Int, _ cursor: inout FormatCursor
  ) throws(HDF5Error) -> FormatCursor? {
    if place.superBlock < directSuperBlockCount {
      try cursor.skip((firstBlock + place.block) * image.addressWidth)
      guard let address = try cursor.address() else { return nil }
      return try element(inBlockAt: address, place, isPageWritten: true)
    }
    let pointer = directBlockCount + place.superBlock - directSuperBlockCount
    try cursor.skip(pointer * image.addressWidth)
    guard let address = try cursor.address() else { return nil }
    return try element(inSuperBlockAt: address, place)
  }

  private mutating func element(
    inSuperBlockAt address: UInt64, _ place: Place
  ) throws(HDF5Error) -> FormatCursor? {
    var cursor = try image.cursor(at: address, "extensible array super block")
    try cursor.signature("EASB")
    _ = try cursor.version(0...0)
    try cursor.skip(1 + image.addressWidth + (countBits + 7) / 8)
    // One bit per page of each data block says whether it was ever written.
    let pageCount = place.capacity > pageCapacity ? place.capacity / pageCapacity : 0
    let flagByteCount = (pageCount + 7) / 8
    let flags = try cursor.skip(place.blockCount * flagByteCount)
    var pointers = cursor
    try cursor.skip(place.blockCount * image.addressWidth)
    if verified.insert(cursor.start).inserted { try cursor.checksum() }
    try pointers.skip(place.block * image.addressWidth)
    guard let block = try pointers.address() else { return nil }
    var isPageWritten = true
    if pageCount > 0 {
      let page = place.position / pageCapacity
      let byte = image.bytes[flags.lowerBound + place.block * flagByteCount + page / 8]
      isPageWritten = byte & (0x80 >> UInt8(page % 8)) != 0
    }
    return try element(inBlockAt: block, place, isPageWritten: isPageWritten)
  }

  private mutating func element(
    inBlockAt address: UInt64, _ place: Place, isPageWritten: Bool
  ) throws(HDF5Error) -> FormatCursor? {
    if !isPageWritten { return nil }
    var cursor = try image.cursor(at: address, "extensible array block")
    try cursor.signature("EADB")
    _ = try cursor.version(0...0)
    try cursor.skip(1 + image.addressWidth + (countBits + 7) / 8)
    var (capacity, position) = (place.capacity, place.position)
    if place.capacity > pageCapacity {
      if verified.insert(cursor.start).inserted {
        try cursor.checksum()
      } else {
        try cursor.skip(4)
      }
      try cursor.skip(position / pageCapacity * (pageCapacity * elementByteCount + 4))
      cursor = image.cursor(in: cursor.position..<cursor.end, "page of an extensible array")
      (capacity, position) = (pageCapacity, position % pageCapacity)
    }
    if verified.insert(cursor.position).inserted {
      var whole = cursor
      try whole.skip(capacity * elementByteCount)
      try whole.checksum()
    }
    try cursor.skip(position * elementByteCount)
    return try cursor.section(elementByteCount, "chunk element")
  }
}
