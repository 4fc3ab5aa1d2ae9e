import CTKCore

/// The message that says where a dataset's values lie.
///
/// HDF5 File Format Specification, section IV.A.2.i; versions 1 to 4, and 5,
/// which differs in the width of chunk sizes.
enum LayoutMessage {
  case compact(Range<Int>)
  /// `byteCount` is nil in old versions; `address` is nil before the first write.
  case contiguous(address: UInt64?, byteCount: UInt64?)
  case chunked(ChunkLayout)

  /// - Throws: `hdf5.damaged`, `hdf5.virtual-dataset`, `hdf5.limit-exceeded`.
  init(_ message: FormatCursor) throws(HDF5Error) {
    var cursor = message
    let version = try cursor.version(1...5)
    if version < 3 {
      self = try Self.readOld(&cursor)
    } else {
      self = try Self.readNew(&cursor, version: version)
    }
  }

  private static func readOld(_ cursor: inout FormatCursor) throws(HDF5Error) -> LayoutMessage {
    let rank = try cursor.byte()
    let kind = try cursor.byte()
    guard rank <= HDF5Limits.rank + 1, kind <= 2 else {
      throw cursor.damaged("layout class \(kind) of rank \(rank)")
    }
    try cursor.skip(5)
    let address = kind == 0 ? nil : try cursor.address()
    var extents: [UInt64] = []
    for _ in 0..<rank { extents.append(try cursor.number(4)) }
    switch kind {
    case 0: return .compact(try cursor.skip(try cursor.word()))
    case 1: return .contiguous(address: address, byteCount: nil)
    default:
      let shape = try ChunkLayout.shape(extents, cursor)
      return .chunked(ChunkLayout(shape: shape, index: .tree, address: address))
    }
  }

  private static func readNew(
    _ cursor: inout FormatCursor, version: Int
  ) throws(HDF5Error) -> LayoutMessage {
    switch try cursor.byte() {
    case 0: return .compact(try cursor.skip(try cursor.short()))
    case 1:
      return .contiguous(address: try cursor.address(), byteCount: try cursor.length())
    case 2 where version == 3:
      let rank = try cursor.byte()
      let address = try cursor.address()
      var extents: [UInt64] = []
      for _ in 0..<rank { extents.append(try cursor.number(4)) }
      let shape = try ChunkLayout.shape(extents, cursor)
      return .chunked(ChunkLayout(shape: shape, index: .tree, address: address))
    case 2: return .chunked(try ChunkLayout(&cursor, version: version))
    case 3:
      throw HDF5Error(
        .virtualDataset, "a virtual dataset takes its values from other files",
        hint: "store the values themselves")
    case let kind: throw cursor.damaged("layout class \(kind) is unknown")
    }
  }
}

/// How a dataset is cut into chunks, and what finds them.
struct ChunkLayout: Sendable {
  enum Index: Sendable {
    /// Version 1 B-tree.
    case tree
    /// The only chunk; its stored size and filter mask when it is filtered.
    case single(byteCount: UInt64?, filterMask: UInt32)
    /// All chunks one after another.
    case implicit
    case fixedArray
    case extensibleArray
    /// Version 2 B-tree.
    case newTree
  }

  let shape: [Int]
  let index: Index
  /// Where the index lies; nil before the first write.
  let address: UInt64?
  /// Whether chunks that reach over the edge are stored without filters.
  var leavesEdgesUnfiltered = false
  /// Whether sizes of filtered chunks take the width of lengths.
  var hasFullWidthSizes = false

  init(shape: [Int], index: Index, address: UInt64?) {
    self.shape = shape
    self.index = index
    self.address = address
  }

  /// Reads the form of version 4 and later.
  fileprivate init(_ cursor: inout FormatCursor, version: Int) throws(HDF5Error) {
    let flags = try cursor.byte()
    let rank = try cursor.byte()
    let width = try cursor.byte()
    var extents: [UInt64] = []
    for _ in 0..<rank { extents.append(try cursor.number(width)) }
    let shape = try Self.shape(extents, cursor)
    let index = try Self.index(&cursor, isFilteredSingle: flags & 2 != 0)
    self.init(shape: shape, index: index, address: try cursor.address())
    leavesEdgesUnfiltered = flags & 1 != 0
    hasFullWidthSizes = version > 4
  }

  private static func index(
    _ cursor: inout FormatCursor, isFilteredSingle: Bool
  ) throws(HDF5Error) -> Index {
    switch try cursor.byte() {
    case 1:
      guard isFilteredSingle else { return .single(byteCount: nil, filterMask: 0) }
      let byteCount = try cursor.length()
      return .single(byteCount: byteCount, filterMask: UInt32(try cursor.number(4)))
    case 2: return .implicit
    case 3:
      try cursor.skip(1)
      return .fixedArray
    case 4:
      try cursor.skip(5)
      return .extensibleArray
    case 5:
      try cursor.skip(6)
      return .newTree
    case let kind: throw cursor.damaged("chunk index \(kind) is unknown")
    }
  }

  /// The chunk's shape from the stored extents, the last of which is the
  /// element's byte count.
  static func shape(_ extents: [UInt64], _ cursor: FormatCursor) throws(HDF5Error) -> [Int] {
    guard (2...HDF5Limits.rank + 1).contains(extents.count) else {
      throw cursor.damaged("chunks of rank \(extents.count - 1)")
    }
    var shape: [Int] = []
    for extent in extents.dropLast() {
      guard let extent = Int(exactly: extent), extent > 0 else {
        throw cursor.damaged("a chunk extent of \(extent)")
      }
      shape.append(extent)
    }
    return shape
  }
}
