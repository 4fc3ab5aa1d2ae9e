import CTKCore

/// The links of a group, old-style or new.
enum GroupLinks {
  /// Whether an object is a group.
  static func isGroup(_ header: ObjectHeader) -> Bool {
    header.has(.symbolTable) || header.has(.linkInfo) || header.has(.link)
  }

  /// Visits the links of a group.
  ///
  /// - Throws: `hdf5.damaged`, `hdf5.link-refused`, and what `body` throws.
  static func forEach(
    of group: ObjectHeader, _ body: (HardLink) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    if let table = try group.message(.symbolTable) {
      try SymbolTable(message: table).forEach(body)
    }
    for message in group.messages where message.kind == .link {
      try body(try HardLink(group.image.cursor(in: message.body, "link message")))
    }
    if let info = try group.message(.linkInfo),
      let dense = try DenseStorage(info: info, creationOrderByteCount: 8)
    {
      try dense.forEach(.linkNames) { (record, heap) throws(HDF5Error) in
        try record.skip(4)
        try body(try HardLink(try heap.object(&record)))
      }
    }
  }
}

/// Links or attributes kept outside the object header: a heap and an index of names.
struct DenseStorage {
  private let image: FileImage
  private let heap: UInt64
  private let names: UInt64

  /// Reads a link info or attribute info message; nil when nothing is stored so.
  ///
  /// HDF5 File Format Specification, sections IV.A.2.c and IV.A.2.v.
  init?(info: FormatCursor, creationOrderByteCount: Int) throws(HDF5Error) {
    var cursor = info
    image = cursor.image
    _ = try cursor.version(0...0)
    if try cursor.byte() & 1 != 0 { try cursor.skip(creationOrderByteCount) }
    guard let heap = try cursor.address() else { return nil }
    self.heap = heap
    names = try cursor.requiredAddress("the index of names")
  }

  /// Visits the records of the index.
  func forEach(
    _ kind: NewTree.Kind,
    _ body: (inout FormatCursor, inout FractalHeap) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    var heap = try FractalHeap(image, at: heap)
    try NewTree(image, at: names, kind).forEach { (record) throws(HDF5Error) in
      try body(&record, &heap)
    }
  }
}
