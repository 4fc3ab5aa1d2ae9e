import CTKCore

/// A named tensor and where its bytes lie.
struct TorchEntry: Sendable {
  let info: TensorInfo
  let view: StridedView
  /// The member that holds the storage.
  let member: ZipEntry
  let storage: Int

  /// From the first element to behind the last, counted from the start of the file.
  var range: Range<Int> {
    let start = member.range.lowerBound + view.byteOffset
    return start..<start + view.byteSpan
  }
}

/// Everything about a torch file but its tensors' bytes.
struct TorchDirectory {
  /// Sorted by name.
  let entries: [TorchEntry]
  let aliases: [String: String]
  let findings: [String]
  let isBigEndian: Bool
  let integerLists: [String: [Int]]

  /// - Throws: the `torch.*` and `zip.*` codes.
  init(file: UnsafeRawBufferPointer) throws(TorchError) {
    let archive = try TorchArchive(file: file)
    let pickle = archive.pickle.span
    let (root, heap) = try pickle.withUnsafeBytes { (bytes) throws(TorchError) in
      try PickleMachine.run(bytes)
    }
    let walk = try StateDictWalk(root: root, heap: heap)
    var members: [Int: ZipEntry] = [:]
    var entries: [TorchEntry] = []
    var firstName: [TensorDescription: String] = [:]
    var aliases: [String: String] = [:]
    for (name, tensor) in walk.tensors {
      let member: ZipEntry
      if let known = members[tensor.storage] {
        member = known
      } else {
        member = try archive.member(of: heap.storages[tensor.storage])
        members[tensor.storage] = member
      }
      let info = try TorchError.wrap { () throws(CoreError) in
        try TensorInfo(name: name, dtype: tensor.dtype, shape: tensor.shape)
      }
      let view = try StridedView(tensor, info, storageByteCount: member.range.count)
      entries.append(TorchEntry(info: info, view: view, member: member, storage: tensor.storage))
      if info.elementCount == 0 { continue }
      if let first = firstName[tensor] { aliases[name] = first } else { firstName[tensor] = name }
    }
    self.entries = entries
    self.aliases = aliases
    findings = walk.findings
    integerLists = walk.integerLists
    isBigEndian = archive.isBigEndian
  }
}

extension TorchArchive {
  /// The member of a storage, which must have exactly the bytes that the pickle says.
  fileprivate func member(of storage: StorageRecord) throws(TorchError) -> ZipEntry {
    guard let entry = storages[storage.key] else {
      throw TorchError(.storageInvalid, "the archive has no storage 'data/\(storage.key)'")
    }
    guard entry.method == .stored else {
      throw TorchError(
        .storageInvalid, "storage '\(entry.name)' is compressed, which torch never does",
        hint: "unpack the archive and pack it again without compression (zip -0)")
    }
    let expected = try storage.byteCount()
    guard entry.range.count == expected else {
      throw TorchError(
        .storageInvalid,
        "storage '\(entry.name)' has \(entry.range.count) bytes, the pickle says \(expected)")
    }
    return entry
  }
}
