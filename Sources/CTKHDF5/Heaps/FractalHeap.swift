import CTKCore

/// The heap that holds links and attributes which do not fit an object header.
///
/// HDF5 File Format Specification, section III.G.
struct FractalHeap {
  private let image: FileImage
  private let idByteCount: Int
  private let blocksHaveChecksums: Bool
  private let hugeTree: UInt64?
  private let tableWidth: UInt64
  private let startByteCount: UInt64
  private let maximumDirectByteCount: UInt64
  private let offsetWidth: Int
  private let lengthWidth: Int
  private let root: UInt64?
  private let rootRowCount: Int
  private var verifiedBlocks: Set<UInt64> = []
  private var verifiedByteCount = 0

  /// - Throws: `hdf5.damaged`; `hdf5.filter-unsupported` for a compressed heap.
  init(_ image: FileImage, at address: UInt64) throws(HDF5Error) {
    self.image = image
    var cursor = try image.cursor(at: address, "fractal heap")
    try cursor.signature("FRHP")
    _ = try cursor.version(0...0)
    idByteCount = try cursor.short()
    guard try cursor.short() == 0 else {
      throw HDF5Error(.filterUnsupported, "the names or attributes of a group are compressed")
    }
    blocksHaveChecksums = try cursor.byte() & 2 != 0
    let maximumObjectByteCount = try cursor.number(4)
    try cursor.skip(image.lengthWidth)
    hugeTree = try cursor.address()
    try cursor.skip(9 * image.lengthWidth + image.addressWidth)
    tableWidth = try cursor.number(2)
    startByteCount = try cursor.length()
    maximumDirectByteCount = try cursor.length()
    let offsetBits = try cursor.short()
    try cursor.skip(2)
    root = try cursor.address()
    rootRowCount = try cursor.short()
    try cursor.checksum()
    guard tableWidth > 0, tableWidth.nonzeroBitCount == 1, startByteCount.nonzeroBitCount == 1,
      maximumDirectByteCount.nonzeroBitCount == 1, startByteCount <= maximumDirectByteCount,
      (1...64).contains(offsetBits), startByteCount.leadingZeroBitCount > 16
    else { throw cursor.damaged("its block sizes make no sense") }
    offsetWidth = (offsetBits + 7) / 8
    lengthWidth = min(
      (maximumDirectByteCount.trailingZeroBitCount + 7) / 8,
      NewTree.byteWidth(of: maximumObjectByteCount))
  }

  /// The object that a heap ID of a B-tree record stands for.
  ///
  /// - Throws: `hdf5.damaged`.
  mutating func object(_ record: inout FormatCursor) throws(HDF5Error) -> FormatCursor {
    var id = try record.section(idByteCount, "heap ID")
    let first = try id.byte()
    switch first >> 4 & 3 {
    case 0:
      let offset = try id.number(offsetWidth)
      return try managedObject(at: offset, byteCount: try id.number(lengthWidth))
    case 1: return try hugeObject(&id)
    case 2: return try id.section((first & 0x0F) + 1, "heap object")
    default: throw id.damaged("a heap ID of an unknown type")
    }
  }
}

// MARK: Huge objects

extension FractalHeap {
  private func hugeObject(_ id: inout FormatCursor) throws(HDF5Error) -> FormatCursor {
    if idByteCount - 1 >= image.addressWidth + image.lengthWidth {
      return try image.cursor(
        at: try id.requiredAddress("an object"), byteCount: try id.length(), "heap object")
    }
    let wanted = try id.number(min(idByteCount - 1, image.lengthWidth))
    guard let hugeTree else { throw id.damaged("the heap has no large objects") }
    var found: FormatCursor?
    let image = image
    try NewTree(image, at: hugeTree, .hugeObjects).forEach { (record) throws(HDF5Error) in
      let address = try record.requiredAddress("an object")
      let byteCount = try record.length()
      if try record.length() == wanted {
        found = try image.cursor(at: address, byteCount: byteCount, "heap object")
      }
    }
    guard let found else { throw id.damaged("the heap has no large object \(wanted)") }
    return found
  }
}

// MARK: Managed objects

extension FractalHeap {
  /// Rows of blocks: the first two of the starting size, then each twice the last.
  private func blockByteCount(ofRow row: Int) -> UInt64 {
    row == 0 ? startByteCount : startByteCount << UInt64(row - 1)
  }

  private var directRowCount: Int {
    maximumDirectByteCount.trailingZeroBitCount - startByteCount.trailingZeroBitCount + 2
  }

  /// Where an offset lies in the table of an indirect block.
  private func place(of offset: UInt64) -> (row: Int, column: UInt64, rest: UInt64) {
    let rowByteCount = tableWidth * startByteCount
    let row =
      offset < rowByteCount
      ? 0
      : 64 - offset.leadingZeroBitCount - rowByteCount.trailingZeroBitCount
    let rowStart = row == 0 ? 0 : rowByteCount << UInt64(row - 1)
    let block = blockByteCount(ofRow: row)
    return (row, (offset - rowStart) / block, (offset - rowStart) % block)
  }

  private mutating func managedObject(
    at offset: UInt64, byteCount: UInt64
  ) throws(HDF5Error) -> FormatCursor {
    guard var block = root else {
      throw HDF5Error(.damaged, "a heap without blocks is asked for an object")
    }
    var rest = offset
    var rowCount = rootRowCount
    var blockSize = startByteCount
    while rowCount > 0 {
      let place = place(of: rest)
      guard place.row < rowCount, place.row < 64 - startByteCount.trailingZeroBitCount else {
        throw HDF5Error(.damaged, "the heap has no object at offset \(offset)")
      }
      block = try child(of: block, rowCount: rowCount, place.row, place.column)
      blockSize = blockByteCount(ofRow: place.row)
      rest = place.rest
      rowCount =
        place.row < directRowCount
        ? 0
        : blockSize.trailingZeroBitCount - (tableWidth * startByteCount).trailingZeroBitCount + 1
    }
    return try object(in: block, blockSize, at: rest, byteCount: byteCount)
  }

  private mutating func child(
    of address: UInt64, rowCount: Int, _ row: Int, _ column: UInt64
  ) throws(HDF5Error) -> UInt64 {
    var cursor = try image.cursor(at: address, "indirect heap block")
    try cursor.signature("FHIB")
    _ = try cursor.version(0...0)
    try cursor.skip(image.addressWidth + offsetWidth)
    let entries = cursor
    let entryCount = rowCount * Int(tableWidth)
    try cursor.skip(entryCount * image.addressWidth)
    if verifiedBlocks.insert(address).inserted { try cursor.checksum() }
    var entry = entries
    try entry.skip((row * Int(tableWidth) + Int(column)) * image.addressWidth)
    return try entry.requiredAddress("a heap block")
  }

  private mutating func object(
    in address: UInt64, _ blockByteCount: UInt64, at offset: UInt64, byteCount: UInt64
  ) throws(HDF5Error) -> FormatCursor {
    var cursor = try image.cursor(at: address, byteCount: blockByteCount, "heap block")
    try cursor.signature("FHDB")
    _ = try cursor.version(0...0)
    try cursor.skip(image.addressWidth + offsetWidth)
    if blocksHaveChecksums && verifiedBlocks.insert(address).inserted {
      try verify(cursor, byteCount: Int(blockByteCount))
    }
    guard let start = Int(exactly: offset), let count = Int(exactly: byteCount),
      start >= cursor.position - cursor.start
    else { throw cursor.damaged("an object at offset \(offset)") }
    var content = image.cursor(in: cursor.start..<cursor.end, "heap block")
    try content.skip(start)
    return try content.section(count, "heap object")
  }

  /// The checksum inside a block counts as 0 while it is computed.
  private mutating func verify(_ cursor: FormatCursor, byteCount: Int) throws(HDF5Error) {
    verifiedByteCount += byteCount
    // Blocks do not overlap, so all of them fit into the file.
    guard verifiedByteCount <= image.bytes.count else { throw cursor.damaged("blocks overlap") }
    var field = cursor
    let stored = UInt32(try field.number(4))
    var bytes = Array(image.bytes[cursor.start..<cursor.end])
    for offset in 0..<4 { bytes[cursor.position - cursor.start + offset] = 0 }
    let found = bytes.withUnsafeBytes { MetadataChecksum.of($0) }
    if stored != found {
      throw cursor.damaged("its checksum is \(stored), its bytes give \(found)")
    }
  }
}
