import CTKCore

/// The B-tree and the name heap of an old-style group.
///
/// HDF5 File Format Specification, sections III.A.1 (node type 0) and III.B.
struct SymbolTable {
  private let tree: UInt64
  private let names: NameHeap
  private let image: FileImage

  /// - Throws: `hdf5.damaged`.
  init(message: FormatCursor) throws(HDF5Error) {
    var cursor = message
    image = cursor.image
    tree = try cursor.requiredAddress("the group's B-tree")
    names = try NameHeap(image, at: try cursor.requiredAddress("the group's heap"))
  }

  /// Visits the links of the group.
  ///
  /// - Throws: `hdf5.damaged` for an address outside the file, a node that
  ///   occurs twice, a level or a name that does not fit; `hdf5.link-refused`.
  func forEach(_ body: (HardLink) throws(HDF5Error) -> Void) throws(HDF5Error) {
    var walk = TreeWalk(tree, in: image, "group B-tree")
    while let node = try walk.next() {
      if node.level == -1 {
        try visitLeaf(at: node.address, &walk, body)
      } else {
        try visitNode(node, &walk)
      }
    }
  }

  /// Adds the children of a B-tree node; level -1 stands for symbol table nodes.
  private func visitNode(_ node: TreeWalk.Node, _ walk: inout TreeWalk) throws(HDF5Error) {
    var cursor = try image.cursor(at: node.address, "group B-tree node")
    try cursor.signature("TREE")
    let type = try cursor.byte()
    let level = try cursor.byte()
    guard type == 0, level == node.level ?? level else {
      throw cursor.damaged("type \(type) and level \(level) do not belong here")
    }
    let count = try cursor.short()
    try cursor.skip(2 * image.addressWidth + image.lengthWidth)
    for _ in 0..<count {
      walk.add(try cursor.requiredAddress("a child"), level: level - 1)
      try cursor.skip(image.lengthWidth)
    }
    try walk.claim(cursor)
  }

  private func visitLeaf(
    at address: UInt64, _ walk: inout TreeWalk, _ body: (HardLink) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    var cursor = try image.cursor(at: address, "symbol table node")
    try cursor.signature("SNOD")
    _ = try cursor.version(1...1)
    try cursor.skip(1)
    for _ in 0..<(try cursor.short()) {
      let nameOffset = try cursor.number(image.addressWidth)
      let header = try cursor.address()
      let kind = try cursor.word()
      try cursor.skip(20)
      let name = try names.name(at: nameOffset)
      // Cache type 2 marks a soft link; old-style groups hold no external ones.
      if kind == 2 { throw HardLink.refusal(kind: 1, nameBytes: name) }
      guard let header else { throw cursor.damaged("an object lies at the undefined address") }
      try body(try HardLink(nameBytes: name, address: header))
    }
    try walk.claim(cursor)
  }
}
