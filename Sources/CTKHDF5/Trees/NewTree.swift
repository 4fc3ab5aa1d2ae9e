import CTKCore

/// A version 2 B-tree: records of one size under checksums.
///
/// HDF5 File Format Specification, section III.A.2.
struct NewTree {
  /// What the records describe, by their numbers in the format.
  enum Kind: Int {
    case hugeObjects = 1
    case linkNames = 5
    case attributeNames = 8
    case chunks = 10
    case filteredChunks = 11
  }

  private let image: FileImage
  private let kind: Kind
  private let recordByteCount: Int
  private let depth: Int
  private let root: UInt64?
  private let rootRecordCount: Int
  /// By level, the leaves being 0: the widths of a child's record counts.
  private let countWidth: Int
  private let totalWidths: [Int]

  /// Signature, version, type and checksum of a node.
  private static let nodeOverhead = 10
  private static let depthLimit = 32

  /// - Throws: `hdf5.damaged`.
  init(_ image: FileImage, at address: UInt64, _ kind: Kind) throws(HDF5Error) {
    self.image = image
    self.kind = kind
    var cursor = try image.cursor(at: address, "B-tree header")
    try cursor.signature("BTHD")
    _ = try cursor.version(0...0)
    let type = try cursor.byte()
    guard type == kind.rawValue else {
      throw cursor.damaged("a B-tree of type \(type), \(kind.rawValue) expected")
    }
    let nodeByteCount = try cursor.word()
    recordByteCount = try cursor.short()
    depth = try cursor.short()
    try cursor.skip(2)
    root = try cursor.address()
    rootRecordCount = try cursor.short()
    try cursor.skip(image.lengthWidth)
    try cursor.checksum()
    guard recordByteCount > 0, depth <= Self.depthLimit,
      nodeByteCount >= Self.nodeOverhead + recordByteCount
    else {
      throw cursor.damaged("records of \(recordByteCount) bytes in nodes of \(nodeByteCount)")
    }
    (countWidth, totalWidths) = Self.widths(
      nodeByteCount: nodeByteCount, recordByteCount: recordByteCount, depth: depth,
      addressWidth: image.addressWidth)
  }

  /// The widths of record counts, which follow from how much a full node holds.
  private static func widths(
    nodeByteCount: Int, recordByteCount: Int, depth: Int, addressWidth: Int
  ) -> (Int, [Int]) {
    let leafCapacity = (nodeByteCount - nodeOverhead) / recordByteCount
    let countWidth = byteWidth(of: UInt64(leafCapacity))
    var total = UInt64(leafCapacity)
    var totalWidths = [0]
    for level in 1..<max(depth + 1, 1) {
      let pointer = addressWidth + countWidth + totalWidths[level - 1]
      let room = max(0, nodeByteCount - nodeOverhead - pointer)
      let capacity = UInt64(room / (recordByteCount + pointer))
      let (product, overflow) = total.multipliedReportingOverflow(by: capacity + 1)
      let (sum, carries) = product.addingReportingOverflow(capacity)
      total = overflow || carries ? .max : sum
      totalWidths.append(byteWidth(of: total))
    }
    return (countWidth, totalWidths)
  }

  /// Bytes that hold numbers up to a limit.
  static func byteWidth(of limit: UInt64) -> Int {
    (UInt64.bitWidth - max(limit, 1).leadingZeroBitCount - 1) / 8 + 1
  }

  /// Visits all records.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.limit-exceeded`, and what `body` throws.
  func forEach(_ body: (inout FormatCursor) throws(HDF5Error) -> Void) throws(HDF5Error) {
    guard let root else { return }
    var recordCounts = [root: rootRecordCount]
    var walk = TreeWalk(root, in: image, "version 2 B-tree")
    while let node = try walk.next() {
      let level = node.level ?? depth
      var cursor = try image.cursor(at: node.address, "B-tree node")
      try cursor.signature(level == 0 ? "BTLF" : "BTIN")
      _ = try cursor.version(0...0)
      guard try cursor.byte() == kind.rawValue else {
        throw cursor.damaged("it is of another tree")
      }
      let count = recordCounts[node.address] ?? 0
      let (byteCount, overflow) = count.multipliedReportingOverflow(by: recordByteCount)
      if overflow { throw cursor.damaged("\(count) records") }
      var records = try cursor.section(byteCount, "B-tree records")
      if level > 0 {
        for _ in 0...count {
          let child = try cursor.requiredAddress("a child")
          recordCounts[child] = Int(clamping: try cursor.number(countWidth))
          try cursor.skip(totalWidths[level - 1])
          walk.add(child, level: level - 1)
        }
      }
      try cursor.checksum()
      try walk.claim(cursor)
      for _ in 0..<count {
        var record = try records.section(recordByteCount, "B-tree record")
        try body(&record)
      }
    }
  }
}
