/// What becomes of a unit that more than one of the composed patches changes
/// (`docs/math/compose.md`).
public enum ComposePolicy: String, Sendable, CaseIterable {
  /// Refused.
  case error
  /// As the first patch that changes it has it.
  case first
  /// As the last patch that changes it has it.
  case last
  /// The base's number plus the sum of the changes.
  case sum
  /// The base's number plus the mean of the changes.
  case mean
  /// The base's number plus the mean of those changes that go the way of their sum.
  case ties

  /// Whether the order of the patches does not matter.
  public var isCommutative: Bool { self != .first && self != .last }
}

/// What becomes of a tensor that more than one patch adds, removes or replaces,
/// and of a small file that they change, each in its own way.
public enum HeadPolicy: String, Sendable, CaseIterable {
  /// Refused.
  case error
  /// The first patch's.
  case first
  /// The last patch's.
  case last
  /// Every patch's added tensor under a name of its own, which ends in `@` and
  /// the patch's task; the first patch's small files.
  case rename
}
