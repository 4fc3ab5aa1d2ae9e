import CTKCore

/// The elements of a tensor that differ between a base and a tuned model.
struct ChangedElements {
  let info: TensorInfo
  /// Row-major, ascending.
  private(set) var indices: [Int] = []

  /// - Parameter name: a tensor that both have, with one dtype and shape, whose units
  ///   are its elements.
  init(
    _ info: TensorInfo, base: any TensorSource, tuned: any TensorSource
  ) throws(PatchError) {
    self.info = info
    try base.lend(info.name) { (old) throws(PatchError) in
      try tuned.lend(info.name) { (new) throws(PatchError) in
        switch CodingUnit(info.dtype).width {
        case .one: scan(old, new, as: UInt8.self)
        case .two: scan(old, new, as: UInt16.self)
        case .four: scan(old, new, as: UInt32.self)
        case .eight: scan(old, new, as: UInt64.self)
        }
      }
    }
  }

  private mutating func scan<Word: UnitWord>(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, as _: Word.Type
  ) {
    let width = 1 << 16
    let scanner = ChangeScanner<Word>(base: old, tuned: new, isFloat: false)
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: width) { positions in
      withUnsafeTemporaryAllocation(of: Word.self, capacity: width) { differences in
        guard let first = positions.baseAddress, let second = differences.baseAddress else {
          return
        }
        for window in Windows(unitCount: info.unitCount, width: width) {
          let count = scanner.scan(window, positions: first, differences: second)
          for entry in 0..<count { indices.append(window.lowerBound + Int(first[entry])) }
        }
      }
    }
  }
}

/// How the tensors of a tuned model relate to the base's, for writers of peers' files.
struct PeerChanges {
  /// Tensors with changed elements.
  private(set) var changed: [TensorInfo] = []
  /// Tensors to be written whole: added, replaced, or of packed elements.
  private(set) var whole: [TensorInfo] = []

  /// - Throws: `peer.not-representable` when a tensor was removed, which no peer can say.
  init(base: any TensorSource, tuned: any TensorSource) throws(PatchError) {
    for info in base.tensors where tuned.info(of: info.name) == nil {
      throw PatchError(
        .peerNotRepresentable, "tensor '\(info.name)' is removed, which the format cannot say",
        hint: "use ctk's own patches")
    }
    for info in tuned.tensors {
      guard let old = base.info(of: info.name), old == info else {
        whole.append(info)
        continue
      }
      let isEqual = try base.lend(info.name) { (left) throws(PatchError) in
        try tuned.lend(info.name) { (right) throws(PatchError) in equalBytes(left, right) }
      }
      base.discard(info.name, nil)
      tuned.discard(info.name, nil)
      if isEqual { continue }
      if info.unitCount == info.elementCount { changed.append(info) } else { whole.append(info) }
    }
  }
}
