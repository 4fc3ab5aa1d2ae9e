public import CTKCore

/// A side of a patch.
enum PatchSide {
  case before
  case after
}

// MARK: Changed tensors

extension PatchFile {
  /// The differences of a changed tensor, decoded into memory.
  ///
  /// Takes 4 bytes and a unit for each change; what serving keeps resident.
  ///
  /// - Parameter base: the base's tensor, little-endian; without it a patch whose
  ///   values are coded against it cannot be decoded.
  /// - Throws: `tensor.missing` when the patch does not change the tensor,
  ///   `patch.needs-base`, `patch.damaged`, `patch.unsupported`.
  public func tensorPatch(
    named name: String, base: UnsafeRawBufferPointer? = nil
  ) throws(PatchError) -> TensorPatch {
    guard let entry = entry(named: name), entry.kind == .changed, let info = entry.after?.info
    else {
      throw PatchError(
        wrapping: CoreError(
          .tensorMissing, "the patch does not change a tensor '\(name)'", path: path))
    }
    var blocks: [PatchBlock] = []
    precondition(base.map { $0.count == info.byteCount } ?? true, "another tensor's bytes")
    let size = CodingUnit(info.dtype).byteCount
    try decodeChanges(
      entry, source: { range in base.map { Self.units(range, of: $0, size, isTarget: false) } }
    ) { blocks.append($0) }
    return TensorPatch(info: info, changes: entry.changes, blocks: blocks)
  }

  /// Adds a changed tensor's differences to its bytes, or takes them away,
  /// a block at a time.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`; `bytes` are then part way.
  func add(
    _ entry: PatchEntry, to bytes: UnsafeMutableRawBufferPointer, reverting: Bool
  ) throws(PatchError) {
    guard let info = entry.after?.info, info.byteCount == bytes.count else {
      throw damaged("tensor '\(entry.name)' is not as its entry says")
    }
    let unit = CodingUnit(info.dtype)
    try decodeChanges(
      entry,
      source: {
        Self.units($0, of: UnsafeRawBufferPointer(bytes), unit.byteCount, isTarget: reverting)
      }
    ) { $0.add(to: bytes, unit: unit, reverting: reverting) }
  }

  private static func units(
    _ range: Range<Int>, of tensor: UnsafeRawBufferPointer, _ size: Int, isTarget: Bool
  ) -> BlockSource {
    let bytes = tensor[range.lowerBound * size..<range.upperBound * size]
    return BlockSource(bytes: UnsafeRawBufferPointer(rebasing: bytes), isTarget: isTarget)
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

  private func decodeChanges(
    _ entry: PatchEntry, source: (Range<Int>) -> BlockSource?, _ body: (PatchBlock) -> Void
  ) throws(PatchError) {
    guard let info = entry.after?.info else { return }
    try decode(entry) { (decoder) throws(StreamFault) in
      let changes = try decoder.decodeChanges(
        unit: CodingUnit(info.dtype), unitCount: info.unitCount, source: source, body)
      guard changes == entry.changes else {
        throw .damaged("holds \(changes) changes, not \(entry.changes)")
      }
    }
  }

  private func decode(
    _ entry: PatchEntry, _ body: (inout UnitStreamDecoder) throws(StreamFault) -> Void
  ) throws(PatchError) {
    try withStream(entry.streamName) { (stream) throws(PatchError) in
      do throws(StreamFault) {
        var decoder = UnitStreamDecoder(stream, codec: entry.codec)
        try body(&decoder)
        try decoder.requireEnd()
      } catch {
        throw error.inPatch(entry.streamName, path: path)
      }
    }
  }

  func damaged(_ what: String) -> PatchError {
    PatchError(.damaged, what, path: path, hint: "fetch the patch again")
  }
}

// MARK: Whole tensors

extension PatchFile {
  /// The bytes of an added, removed or replaced tensor on one side.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func wholeTensor(_ entry: PatchEntry, side: PatchSide) throws(PatchError) -> TensorBuffer {
    guard let info = (side == .before ? entry.before : entry.after)?.info else {
      return TensorBuffer(byteCount: 0)
    }
    let streamByteCount = try withStream(entry.streamName) { (stream) throws(PatchError) in
      stream.count
    }
    guard Part.isPlausible(info.byteCount, from: streamByteCount) else {
      throw damaged(
        "a stream of \(streamByteCount) bytes cannot hold tensor '\(entry.name)' "
          + "of \(info.byteCount)")
    }
    let buffer = TensorBuffer(byteCount: info.byteCount)
    let unit = CodingUnit(info.dtype)
    try decodeWholes(entry) { current, block in
      if current == side {
        buffer.withBytes { block.add(to: $0, unit: unit, reverting: false) }
      }
    }
    return buffer
  }

  private func decodeWholes(
    _ entry: PatchEntry, _ body: (PatchSide, PatchBlock) -> Void
  ) throws(PatchError) {
    try decode(entry) { (decoder) throws(StreamFault) in
      for (side, state) in [(PatchSide.before, entry.before), (.after, entry.after)] {
        guard let info = state?.info else { continue }
        try decoder.decodeWhole(unit: CodingUnit(info.dtype), unitCount: info.unitCount) {
          body(side, $0)
        }
      }
    }
  }

  /// Decodes a tensor's stream without using it.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func checkStream(_ entry: PatchEntry) throws(PatchError) {
    if let info = entry.after?.info, entry.kind == .changed {
      let unit = CodingUnit(info.dtype)
      try decode(entry) { (decoder) throws(StreamFault) in
        var (changes, isKnown) = (0, true)
        try decoder.decodeCoded(unit: unit, unitCount: info.unitCount) { coded in
          switch coded {
          case .block(let block): changes += block.changeCount(unit: unit)
          case .positions: isKnown = false
          }
        }
        if isKnown, changes != entry.changes {
          throw .damaged("holds \(changes) changes, not \(entry.changes)")
        }
      }
    } else {
      try decodeWholes(entry) { _, _ in }
    }
  }

  /// The bytes of a tensor that the patch adds, such as a task head.
  ///
  /// - Throws: `tensor.missing`, `patch.damaged`, `patch.unsupported`.
  public func addedTensor(named name: String) throws(PatchError) -> [UInt8] {
    guard let entry = entry(named: name), entry.kind == .added else {
      throw PatchError(
        wrapping: CoreError(
          .tensorMissing, "the patch does not add a tensor '\(name)'", path: path))
    }
    return try wholeTensor(entry, side: .after).withBytes { Array($0) }
  }
}

// MARK: Sizes

extension PatchFile {
  /// Bytes of a tensor's stream spent on positions and on values.
  func measure(_ entry: PatchEntry) throws(PatchError) -> StreamSizes {
    var sizes = StreamSizes()
    try decode(entry) { (decoder) throws(StreamFault) in
      let sides = entry.kind == .changed ? [entry.after] : [entry.before, entry.after]
      for info in sides.compactMap({ $0?.info }) {
        let part = try decoder.measure(unit: CodingUnit(info.dtype), unitCount: info.unitCount)
        sizes.index += part.index
        sizes.values += part.values
      }
    }
    return sizes
  }
}
