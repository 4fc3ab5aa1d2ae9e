public import CTKCore

/// The weights that a mask selects or a patch changes.
public enum WeightSelection: Sendable {
  case mask(ParameterMask)
  /// Its changed tensors; those that it holds whole do not count.
  case patch(PatchFile)

  /// One tensor of a selection.
  public struct Tensor: Sendable {
    public let name: String
    public let shape: [Int]
    public let unitCount: Int
    /// Units that are selected.
    public let selected: Int

    public var density: Double { unitCount == 0 ? 0 : Double(selected) / Double(unitCount) }
  }

  /// The tensors that can have selected weights, in name order.
  public var tensors: [Tensor] {
    switch self {
    case .mask(let mask):
      mask.tensors.map {
        Tensor(
          name: $0.name, shape: $0.shape, unitCount: $0.elementCount,
          selected: $0.positions.count)
      }
    case .patch(let patch):
      patch.header.entries.compactMap { entry in
        guard entry.kind == .changed, let info = entry.after?.info else { return nil }
        return Tensor(
          name: entry.name, shape: info.shape, unitCount: info.unitCount,
          selected: entry.changes)
      }
    }
  }

  /// Identity of the mask's child or of the patch.
  public var digest: Digest {
    switch self {
    case .mask(let mask): mask.digest
    case .patch(let patch): patch.digest
    }
  }

  public var kind: String {
    switch self {
    case .mask: "mask"
    case .patch: "patch"
    }
  }

  /// Calls `body` with every selected unit of a tensor, ascending.
  ///
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func forEachUnit(of name: String, _ body: (Int) -> Void) throws(PatchError) {
    switch self {
    case .mask(let mask):
      for position in mask.tensor(named: name)?.positions ?? [] { body(Int(position)) }
    case .patch(let patch):
      guard let entry = patch.entry(named: name), entry.kind == .changed else { return }
      try patch.forEachChangedUnit(entry, body)
    }
  }
}

extension PatchBlock {
  /// Calls `body` with every unit whose difference is not 0, and its distance in steps.
  func forEachChange(_ unit: CodingUnit, _ body: (Int, UInt64) -> Void) {
    switch unit.width {
    case .one: forEachChange(as: UInt8.self, body)
    case .two: forEachChange(as: UInt16.self, body)
    case .four: forEachChange(as: UInt32.self, body)
    case .eight: forEachChange(as: UInt64.self, body)
    }
  }

  private func forEachChange<Word: UnitWord>(as _: Word.Type, _ body: (Int, UInt64) -> Void) {
    differences.withUnsafeBytes { bytes in
      for entry in 0..<bytes.count / MemoryLayout<Word>.size {
        let difference = bytes.loadUnaligned(
          fromByteOffset: entry * MemoryLayout<Word>.size, as: Word.self)
        if difference == 0 { continue }
        let place = positions.map { Int($0[entry]) } ?? entry
        body(units.lowerBound + place, difference.stepCount)
      }
    }
  }
}
