public import CTKCore

// MARK: Changed tensors

extension PatchFile {
  /// The differences of a changed tensor, decoded into memory.
  ///
  /// Takes 4 bytes and a unit for each change; what serving keeps resident. An
  /// alias has the differences of the tensor it is equal to.
  ///
  /// - Parameter base: the base's tensor, little-endian; without it a patch whose
  ///   values are coded against it cannot be decoded.
  /// - Throws: `tensor.missing` when the patch does not change the tensor in
  ///   place, `patch.needs-base`, `patch.damaged`, `patch.unsupported`.
  public func tensorPatch(
    named name: String, base: UnsafeRawBufferPointer? = nil
  ) throws(PatchError) -> TensorPatch {
    guard let entry = entry(named: name), let content = content(of: entry),
      content.changesInPlace, let info = entry.after?.info
    else {
      throw PatchError(
        wrapping: CoreError(
          .tensorMissing, "the patch does not change a tensor '\(name)'", path: path))
    }
    precondition(base.map { $0.count == info.byteCount } ?? true, "another tensor's bytes")
    return try changes(of: content, info, source: base, isTarget: false)
  }

  /// The differences of a tensor that is changed in place.
  ///
  /// - Parameters:
  ///   - content: the entry that holds them.
  ///   - source: the tensor on one side.
  ///   - isTarget: whether that is the side after the change.
  func changes(
    of content: PatchEntry, _ info: TensorInfo, source: UnsafeRawBufferPointer?, isTarget: Bool
  ) throws(PatchError) -> TensorPatch {
    let unit = CodingUnit(info.dtype)
    var blocks: [PatchBlock] = []
    try decode(content) { (decoder) throws(StreamFault) in
      let changes = try decoder.decodeChanges(
        unit: unit, unitCount: content.sharedUnitCount,
        source: { range in source.map { BlockSource(range, of: $0, unit, isTarget: isTarget) } }
      ) { blocks.append($0) }
      try content.require(changes)
    }
    return TensorPatch(info: info, changes: content.changes, blocks: blocks)
  }

  /// The entry whose stream holds an entry's content; nil for an alias of a
  /// tensor that the patch does not touch.
  package func content(of entry: PatchEntry) -> PatchEntry? {
    entry.original.map { self.entry(named: $0) } ?? entry
  }

  /// Calls `body` with every unit that a changed tensor's stream changes, ascending;
  /// needs no base.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func forEachChangedUnit(
    _ entry: PatchEntry, _ body: (Int) -> Void
  ) throws(PatchError) {
    guard let info = entry.after?.info, entry.kind == .changed else { return }
    let unit = CodingUnit(info.dtype)
    try decode(entry) { (decoder) throws(StreamFault) in
      try decoder.decodeCoded(unit: unit, unitCount: info.unitCount) { coded in
        switch coded {
        case .block(let block): block.forEachChange(unit) { unit, _ in body(unit) }
        case .positions(let range, let positions):
          for position in positions { body(range.lowerBound + Int(position)) }
        }
      }
    }
  }

  private func decode(
    _ entry: PatchEntry, _ body: (inout UnitStreamDecoder) throws(StreamFault) -> Void
  ) throws(PatchError) {
    guard let streamName = entry.streamName else { return }
    try withStream(streamName) { (stream) throws(PatchError) in
      do throws(StreamFault) {
        var decoder = UnitStreamDecoder(stream, codec: entry.codec, mask: mask(of: entry))
        try body(&decoder)
        try decoder.requireEnd()
      } catch {
        throw error.inPatch(streamName, path: path)
      }
    }
  }

  func damaged(_ what: String) -> PatchError {
    PatchError(.damaged, what, path: path, hint: "fetch the patch again")
  }
}

extension BlockSource {
  /// The units of a block on the side that `tensor`, or a part of it, shows.
  ///
  /// - Parameter origin: the unit with which `tensor` begins.
  init(
    _ range: Range<Int>, of tensor: UnsafeRawBufferPointer, origin: Int = 0, _ unit: CodingUnit,
    isTarget: Bool
  ) {
    let first = (range.lowerBound - origin) * unit.byteCount
    let bytes = tensor[first..<first + range.count * unit.byteCount]
    self.init(bytes: UnsafeRawBufferPointer(rebasing: bytes), isTarget: isTarget)
  }
}

extension PatchEntry {
  /// Compares what a stream held with what the table says.
  func require(_ found: Int) throws(StreamFault) {
    if found != changes { throw .damaged("holds \(found) changes, not \(changes)") }
  }
}

// MARK: Whole tensors

extension PatchFile {
  /// The bytes of a tensor that the patch adds, such as a task head.
  ///
  /// - Throws: `tensor.missing`, `patch.damaged`, `patch.unsupported`.
  public func addedTensor(named name: String) throws(PatchError) -> [UInt8] {
    guard let entry = entry(named: name), let content = content(of: entry),
      content.kind == .added, let info = content.after?.info
    else {
      throw PatchError(
        wrapping: CoreError(
          .tensorMissing, "the patch does not add a tensor '\(name)'", path: path))
    }
    try requirePlausible(content)
    var bytes = [UInt8](repeating: 0, count: info.byteCount)
    let unit = CodingUnit(info.dtype)
    try decode(content) { (decoder) throws(StreamFault) in
      try decoder.decodeWhole(unit: unit, unitCount: info.unitCount) { block in
        bytes.withUnsafeMutableBytes { block.add(to: $0, unit: unit, reverting: false) }
      }
    }
    return bytes
  }

  /// Refuses an entry whose stream is too short for what it declares, before
  /// anything of the declared size is made.
  ///
  /// - Throws: `patch.damaged`.
  func requirePlausible(_ entry: PatchEntry) throws(PatchError) {
    guard let streamName = entry.streamName else { return }
    let streamByteCount = try withStream(streamName) { (stream) throws(PatchError) in
      stream.count
    }
    for (side, state) in entry.sides {
      guard let units = entry.wholeUnits(side) else { continue }
      let byteCount = units.count * CodingUnit(state.info.dtype).byteCount
      guard Part.isPlausible(byteCount, from: streamByteCount) else {
        throw damaged(
          "a stream of \(streamByteCount) bytes cannot hold \(byteCount) bytes of tensor "
            + "'\(entry.name)'")
      }
    }
  }
}

// MARK: Checks and sizes

extension PatchFile {
  /// Decodes a tensor's stream as far as that goes without a base.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func checkStream(_ entry: PatchEntry) throws(PatchError) {
    try decode(entry) { (decoder) throws(StreamFault) in
      if entry.hasSharedUnits, let info = entry.after?.info {
        try Self.checkShared(entry, CodingUnit(info.dtype), &decoder)
      }
      for (side, state) in entry.sides {
        guard let units = entry.wholeUnits(side) else { continue }
        try decoder.decodeWhole(
          unit: CodingUnit(state.info.dtype), unitCount: units.count
        ) { _ in }
      }
    }
  }

  private static func checkShared(
    _ entry: PatchEntry, _ unit: CodingUnit, _ decoder: inout UnitStreamDecoder
  ) throws(StreamFault) {
    var (changes, isKnown) = (0, true)
    try decoder.decodeCoded(unit: unit, unitCount: entry.sharedUnitCount) { coded in
      switch coded {
      case .block(let block): changes += block.changeCount(unit: unit)
      case .positions: isKnown = false
      }
    }
    if isKnown { try entry.require(changes) }
  }

  /// Bytes of a tensor's stream spent on positions and on values.
  func measure(_ entry: PatchEntry) throws(PatchError) -> StreamSizes {
    var sizes = StreamSizes()
    try decode(entry) { (decoder) throws(StreamFault) in
      for (unit, unitCount) in entry.streamParts {
        let part = try decoder.measure(unit: unit, unitCount: unitCount)
        sizes.index += part.index
        sizes.values += part.values
      }
    }
    return sizes
  }
}

extension PatchEntry {
  /// Unit and unit count of each unit stream, in the order of the stream.
  fileprivate var streamParts: [(unit: CodingUnit, unitCount: Int)] {
    var parts: [(unit: CodingUnit, unitCount: Int)] = []
    if hasSharedUnits, let info = after?.info {
      parts.append((CodingUnit(info.dtype), sharedUnitCount))
    }
    for (side, state) in sides {
      if let units = wholeUnits(side) {
        parts.append((CodingUnit(state.info.dtype), units.count))
      }
    }
    return parts
  }
}
