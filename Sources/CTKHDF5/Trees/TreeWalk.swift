import CTKCore

/// The nodes of a tree still to be visited; none is visited twice.
struct TreeWalk {
  struct Node {
    let address: UInt64
    /// What the parent demands; nil for the root.
    let level: Int?
  }

  private let structure: StaticString
  private var pending: [Node]
  private var visited: Set<UInt64> = []
  /// Bytes of the file that no node has claimed yet.
  private var unclaimedByteCount: Int

  init(_ root: UInt64, in image: FileImage, _ structure: StaticString) {
    self.structure = structure
    unclaimedByteCount = image.bytes.count
    pending = [Node(address: root, level: nil)]
  }

  mutating func add(_ address: UInt64, level: Int) {
    pending.append(Node(address: address, level: level))
  }

  /// - Throws: `hdf5.damaged` for a node that was visited before;
  ///   `hdf5.limit-exceeded`.
  mutating func next() throws(HDF5Error) -> Node? {
    guard let node = pending.popLast() else { return nil }
    guard visited.insert(node.address).inserted else {
      throw HDF5Error(
        .damaged, "the \(structure) comes back to its node at address \(node.address)")
    }
    guard visited.count <= HDF5Limits.treeNodeCount else {
      throw HDF5Error(
        .limitExceeded, "the \(structure) has more than \(HDF5Limits.treeNodeCount) nodes")
    }
    return node
  }

  /// Notes how much of the file a node took; nodes do not overlap.
  ///
  /// - Throws: `hdf5.damaged` when all nodes together are larger than the file.
  mutating func claim(_ node: FormatCursor) throws(HDF5Error) {
    unclaimedByteCount -= node.position - node.start
    if unclaimedByteCount < 0 { throw node.damaged("nodes of the \(structure) overlap") }
  }
}
