public import CTKCore

/// One tensor of a checkpoint: what it is and the digest of what it holds.
public struct TensorState: Sendable, Hashable {
  public let info: TensorInfo
  public let digest: Digest

  public init(info: TensorInfo, digest: Digest) {
    self.info = info
    self.digest = digest
  }

  /// Whether both hold the same bits of the same dtype and shape, under any name.
  func hasContent(of other: TensorState) -> Bool {
    digest == other.digest && info.dtype == other.info.dtype && info.shape == other.info.shape
  }
}

/// A side of a patch.
package enum PatchSide {
  case before
  case after
}

/// One row of a patch's tensor table (`formats/patch.md` section 4.3).
public struct PatchEntry: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case changed
    case added
    case removed
    case replaced
    /// Rows were appended; the old ones may have changed.
    case grown
    /// The last rows were dropped; the others may have changed.
    case shrunk
    /// The same units in another shape; they may have changed.
    case reshaped
    /// Equal to another tensor wherever it exists.
    case alias
  }

  public let name: String
  public let kind: Kind
  /// The base's tensor; nil when it is added.
  public let before: TensorState?
  /// The target's tensor; nil when it is removed.
  public let after: TensorState?
  /// Units whose bits differ, among those that both sides have in place.
  public let changes: Int
  public let codec: PatchCodec
  /// The tensor that an alias is equal to.
  public let original: String?

  /// The entry for a tensor with these two sides, of which one may be nil.
  ///
  /// - Parameter original: makes the entry an alias.
  init(
    name: String, before: TensorState?, after: TensorState?, changes: Int, codec: PatchCodec,
    original: String? = nil
  ) {
    self.init(
      kind: original == nil ? Kind(before: before?.info, after: after?.info) : .alias,
      name: name, before: before, after: after, changes: changes, codec: codec,
      original: original)
  }

  /// The same entry as a wider kind.
  init(_ other: PatchEntry, kind: Kind) {
    self.init(
      kind: kind, name: other.name, before: other.before, after: other.after,
      changes: other.changes, codec: other.codec, original: other.original)
  }

  private init(
    kind: Kind, name: String, before: TensorState?, after: TensorState?, changes: Int,
    codec: PatchCodec, original: String?
  ) {
    self.name = name
    self.kind = kind
    self.before = before
    self.after = after
    self.changes = changes
    self.codec = codec
    self.original = original
  }

  /// The stream that holds the entry's content; an alias has none.
  var streamName: String? { kind == .alias ? nil : PatchFormat.tensorStreamPrefix + name }
}

extension PatchEntry.Kind {
  /// The narrowest kind for two sides.
  init(before: TensorInfo?, after: TensorInfo?) {
    guard let before else {
      self = .added
      return
    }
    guard let after else {
      self = .removed
      return
    }
    let kinds: [PatchEntry.Kind] = [.changed, .reshaped, .grown, .shrunk]
    self = kinds.first { $0.fits(before: before, after: after) } ?? .replaced
  }

  /// Whether an entry of this kind may have these two sides.
  func fits(before: TensorInfo?, after: TensorInfo?) -> Bool {
    guard let before, let after else {
      switch self {
      case .added: return before == nil && after != nil
      case .removed: return before != nil && after == nil
      case .alias: return before != nil || after != nil
      default: return false
      }
    }
    let sameDType = before.dtype == after.dtype
    switch self {
    case .changed: return sameDType && before.shape == after.shape
    case .reshaped:
      return sameDType && before.shape != after.shape && before.elementCount == after.elementCount
    case .grown: return Self.isPrefix(before, of: after)
    case .shrunk: return Self.isPrefix(after, of: before)
    case .replaced: return !sameDType || before.shape != after.shape
    case .alias: return true
    case .added, .removed: return false
    }
  }

  private static func isPrefix(_ short: TensorInfo, of long: TensorInfo) -> Bool {
    guard let shortRows = short.shape.first, let longRows = long.shape.first else { return false }
    return short.dtype == long.dtype && shortRows < longRows
      && short.shape.dropFirst() == long.shape.dropFirst()
  }
}

// MARK: Stream

extension PatchEntry {
  func state(_ side: PatchSide) -> TensorState? { side == .before ? before : after }

  /// The sides on which the tensor exists.
  var sides: [(side: PatchSide, state: TensorState)] {
    [(PatchSide.before, before), (.after, after)].compactMap { side, state in
      state.map { (side, $0) }
    }
  }

  /// Whether every unit keeps its place, and nothing but units changes.
  var changesInPlace: Bool { kind == .changed || kind == .reshaped }

  /// Whether the stream begins with differences between the two sides.
  var hasSharedUnits: Bool { kind.hasChanges }

  /// Units that both sides have in place, coded as differences.
  var sharedUnitCount: Int {
    guard hasSharedUnits, let before, let after else { return 0 }
    return min(before.info.unitCount, after.info.unitCount)
  }

  /// Units of one side that are coded whole, from zero bits; nil when the
  /// stream has no such part.
  func wholeUnits(_ side: PatchSide) -> Range<Int>? {
    let sides: [PatchSide] =
      switch kind {
      case .changed, .reshaped, .alias: []
      case .added, .grown: [.after]
      case .removed, .shrunk: [.before]
      case .replaced: [.before, .after]
      }
    guard sides.contains(side), let info = state(side)?.info else { return nil }
    return sharedUnitCount..<info.unitCount
  }
}
