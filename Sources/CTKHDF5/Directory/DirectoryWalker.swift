import CTKCore

/// Walks a file's groups from the root down, every object once.
struct DirectoryWalker {
  private struct Group {
    let path: String
    let header: ObjectHeader
    let depth: Int
  }

  private let image: FileImage
  private var directory = FileDirectory()
  private var pending: [Group] = []
  private var groupPaths: [UInt64: String] = [:]
  private var datasets: [UInt64: DatasetInspector.Outcome] = [:]
  private var linkCount = 0
  private var messageCount = 0

  private init(_ image: FileImage) { self.image = image }

  /// - Throws: as `HDF5File.init`.
  static func walk(_ image: FileImage, root: UInt64) throws(HDF5Error) -> FileDirectory {
    var walker = DirectoryWalker(image)
    let header = try walker.header(at: root)
    try walker.enter(Group(path: "", header: header, depth: 0))
    while let group = walker.pending.popLast() {
      try walker.visit(group)
    }
    try walker.directory.finish()
    return walker.directory
  }

  private mutating func header(at address: UInt64) throws(HDF5Error) -> ObjectHeader {
    let header = try ObjectHeader(image, at: address)
    messageCount += header.messages.count
    guard messageCount <= HDF5Limits.totalMessageCount else {
      throw HDF5Error(
        .limitExceeded, "there are more than \(HDF5Limits.totalMessageCount) header messages")
    }
    return header
  }

  private mutating func enter(_ group: Group) throws(HDF5Error) {
    guard group.depth <= HDF5Limits.groupDepth else {
      throw HDF5Error(
        .limitExceeded, "'\(group.path)' is nested deeper than \(HDF5Limits.groupDepth) groups")
    }
    groupPaths[group.header.address] = group.path
    directory.add(group: group.path, at: group.header.address)
    pending.append(group)
  }

  private mutating func visit(_ group: Group) throws(HDF5Error) {
    try GroupLinks.forEach(of: group.header) { (link) throws(HDF5Error) in
      linkCount += 1
      guard linkCount <= HDF5Limits.linkCount else {
        throw HDF5Error(.limitExceeded, "there are more than \(HDF5Limits.linkCount) links")
      }
      let path = group.path.isEmpty ? link.name : group.path + "/" + link.name
      try visit(path, at: link.address, depth: group.depth + 1)
    }
  }

  private mutating func visit(
    _ path: String, at address: UInt64, depth: Int
  ) throws(HDF5Error) {
    if let first = groupPaths[address] {
      directory.add(finding: "'\(path)' is the group '/\(first)' again: visited once")
    } else if let known = datasets[address] {
      try add(known, as: path)
    } else {
      let header = try header(at: address)
      if GroupLinks.isGroup(header) {
        try enter(Group(path: path, header: header, depth: depth))
      } else if DatasetInspector.isDataset(header) {
        let outcome = try DatasetInspector(header: header, name: path).inspect()
        datasets[address] = outcome
        try add(outcome, as: path)
      } else if header.has(.datatype) {
        directory.add(finding: "'\(path)' is a named datatype: no tensor")
      } else {
        throw HDF5Error(.damaged, "'\(path)' is neither a group nor a dataset")
      }
    }
  }

  private mutating func add(
    _ outcome: DatasetInspector.Outcome, as path: String
  ) throws(HDF5Error) {
    switch outcome {
    case .finding(let text): directory.add(finding: text)
    case .tensor(let dataset): try directory.add(dataset, as: path)
    }
  }
}
