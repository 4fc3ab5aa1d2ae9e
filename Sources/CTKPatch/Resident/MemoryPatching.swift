public import CTKCore

/// A tensor in the caller's memory.
public struct MemoryTensor {
  public let info: TensorInfo
  /// Little-endian and row-major, `info.byteCount` bytes of any alignment.
  public let bytes: UnsafeMutableRawBufferPointer

  public init(_ info: TensorInfo, _ bytes: UnsafeMutableRawBufferPointer) {
    precondition(info.byteCount == bytes.count, "'\(info.name)' needs \(info.byteCount) bytes")
    self.info = info
    self.bytes = bytes
  }

  func digest() -> Digest { Fingerprint.tensor(info, bytes: UnsafeRawBufferPointer(bytes)) }
}

/// Applying and reverting a patch on tensors in memory.
///
/// Nothing is written before everything is decoded and checked, and what was written is
/// taken back when the result is not the declared one: whatever fails, the tensors hold
/// what they held.
public struct MemoryPatching {
  public let patch: PatchFile
  public let direction: PatchDirection
  /// Whether the tensors' digests are compared before anything is written.
  public var checksSource = true
  /// Whether the digests of what was written are compared.
  public var checksResult = true
  /// nil for all processors.
  public var threadCount: Int?

  public init(_ patch: PatchFile, _ direction: PatchDirection) {
    self.patch = patch
    self.direction = direction
  }

  /// One tensor that the patch changes in place.
  private struct Item {
    let entry: PatchEntry
    /// The entry whose stream holds the changes.
    let content: PatchEntry
    let tensor: MemoryTensor
    let source: TensorState
    let result: TensorState
  }

  /// Changes the tensors in place.
  ///
  /// - Parameter tensors: every tensor that the patch changes in place, among others.
  /// - Throws: `tensor.missing`, `patch.wrong-base`, `patch.wrong-target`,
  ///   `patch.already-applied`, `patch.not-applied`, `patch.partly-applied`,
  ///   `patch.wrong-result`, `patch.needs-mask`, `patch.damaged`, `patch.unsupported`.
  public func run(_ tensors: [MemoryTensor]) throws(PatchError) {
    // Workers write to memory that the caller has lent for this call, each to its own.
    nonisolated(unsafe) let items = try checkedItems(of: tensors)
    let workers = Workers(threadCount: threadCount)
    let weights = items.map { $0.tensor.bytes.count }
    let decoded = try workers.map(weights: weights) { (index) throws(PatchError) in
      let item = items[index]
      return try patch.changes(
        of: item.content, item.result.info, source: UnsafeRawBufferPointer(item.tensor.bytes),
        isTarget: direction == .revert)
    }
    let wrong = try workers.map(weights: weights) { (index) throws(PatchError) -> Bool in
      let item = items[index]
      write(decoded[index], to: item, reverting: direction == .revert)
      guard checksResult else { return false }
      return Fingerprint.tensor(item.result.info, bytes: UnsafeRawBufferPointer(item.tensor.bytes))
        != item.result.digest
    }
    guard let first = wrong.firstIndex(of: true) else { return }
    _ = try workers.map(weights: weights) { (index) throws(PatchError) in
      write(decoded[index], to: items[index], reverting: direction == .apply)
    }
    throw PatchError(
      .wrongResult,
      "tensor '\(items[first].entry.name)' did not come out as the patch says; all tensors are "
        + "as they were", path: patch.path)
  }

  /// Checks layouts and, when asked to, digests of the tensors that the patch changes in
  /// place.
  ///
  /// - Throws: as `run`.
  public func checkSources(_ tensors: [MemoryTensor]) throws(PatchError) {
    _ = try checkedItems(of: tensors)
  }

  private func write(_ changes: TensorPatch, to item: Item, reverting: Bool) {
    if reverting {
      changes.revert(in: item.tensor.bytes)
    } else {
      changes.apply(to: item.tensor.bytes)
    }
  }
}

// MARK: Checks

extension MemoryPatching {
  /// The tensors to change, each memory once.
  private func items(of tensors: [MemoryTensor]) throws(PatchError) -> [Item] {
    let table = Dictionary(
      tensors.map { (UTF8Key($0.info.name), $0) }, uniquingKeysWith: { first, _ in first })
    var items: [Item] = []
    var seen: Set<UnsafeMutableRawPointer> = []
    let step = PatchStep(patch: patch, direction: direction)
    for entry in patch.header.entries where patch.changesInPlace(entry) {
      guard let source = step.source(of: entry), let result = step.result(of: entry),
        let content = patch.content(of: entry)
      else { continue }
      guard let tensor = table[UTF8Key(entry.name)] else {
        throw PatchError(
          wrapping: CoreError(.tensorMissing, "tensor '\(entry.name)' was not given"))
      }
      guard tensor.info.dtype == source.info.dtype, tensor.info.shape == source.info.shape else {
        throw wrong(
          "tensor '\(entry.name)' is \(tensor.info.dtype.rawValue) \(tensor.info.shape), not "
            + "\(source.info.dtype.rawValue) \(source.info.shape)")
      }
      // Tied weights lie in one memory.
      if let start = tensor.bytes.baseAddress, !seen.insert(start).inserted { continue }
      items.append(
        Item(entry: entry, content: content, tensor: tensor, source: source, result: result))
    }
    return items
  }

  private func checkedItems(of tensors: [MemoryTensor]) throws(PatchError) -> [Item] {
    nonisolated(unsafe) let items = try items(of: tensors)
    guard checksSource else { return items }
    let digests = try Workers(threadCount: threadCount).map(
      weights: items.map { $0.tensor.bytes.count }
    ) { (index) throws(PatchError) in items[index].tensor.digest() }
    try requireSources(items, digests)
    return items
  }

  private func requireSources(_ items: [Item], _ digests: [Digest]) throws(PatchError) {
    let (isSource, isResult) = (
      zip(items, digests).map { $0.source.digest == $1 },
      zip(items, digests).map { $0.result.digest == $1 }
    )
    if !isSource.contains(false) { return }
    if !isResult.contains(false) {
      throw direction == .apply
        ? PatchError(.alreadyApplied, "the tensors are the target's already", path: patch.path)
        : PatchError(.notApplied, "the tensors are the base's already", path: patch.path)
    }
    for (index, item) in items.enumerated() where !isSource[index] && !isResult[index] {
      throw wrong(
        "tensor '\(item.entry.name)' differs: expected \(item.source.digest), found "
          + "\(digests[index])")
    }
    throw PatchError(
      .partlyApplied, "some tensors are the base's and some the target's", path: patch.path,
      hint: "start again from intact tensors")
  }

  private func wrong(_ what: String) -> PatchError {
    PatchError(direction == .apply ? .wrongBase : .wrongTarget, what, path: patch.path)
  }
}
