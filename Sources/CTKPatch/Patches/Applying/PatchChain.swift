import CTKCore

/// Patches used one after the other on one checkpoint.
struct PatchChain: Sendable {
  let steps: [PatchStep]
  let purpose: Purpose

  /// What the chain is for, which decides how a wrong checkpoint is reported.
  enum Purpose: Sendable {
    case apply
    case revert
    /// Reverting the first patch and applying the second.
    case replace
  }

  /// - Parameter patches: in the order in which they are, or were, applied.
  /// - Throws: `patch.chain-broken`.
  init(_ patches: [PatchFile], direction: PatchDirection) throws(PatchError) {
    let ordered = direction == .apply ? patches : patches.reversed()
    try self.init(
      steps: ordered.map { PatchStep(patch: $0, direction: direction) },
      purpose: direction == .apply ? .apply : .revert)
  }

  /// The way from the target of one patch to that of another, over their base.
  ///
  /// - Throws: `patch.chain-broken` when they have different bases.
  init(from old: PatchFile, to new: PatchFile) throws(PatchError) {
    try self.init(
      steps: [
        PatchStep(patch: old, direction: .revert), PatchStep(patch: new, direction: .apply),
      ], purpose: .replace)
  }

  private init(steps: [PatchStep], purpose: Purpose) throws(PatchError) {
    precondition(!steps.isEmpty, "a chain has at least one patch")
    self.steps = steps
    self.purpose = purpose
    for (first, second) in zip(steps, steps.dropFirst())
    where first.resultFingerprint != second.sourceFingerprint {
      throw PatchError(
        .chainBroken,
        "this patch expects \(second.sourceFingerprint), but the one next to it leads to "
          + "\(first.resultFingerprint)", path: second.patch.path,
        hint: purpose == .replace
          ? "give two patches of one base"
          : "list the patches in the order in which they were made")
    }
  }

  /// Fingerprints along the chain, the source's first.
  var fingerprints: [Digest] {
    steps.prefix(1).map(\.sourceFingerprint) + steps.map(\.resultFingerprint)
  }

  /// Names of the tensors that any step touches, sorted.
  var touchedNames: [String] {
    sortedNames(steps.flatMap { $0.patch.header.entries.map(\.name) })
  }

  /// The source's side of the first step that touches a tensor.
  func source(of name: String) -> TensorState? {
    for step in steps {
      if let entry = step.patch.entry(named: name) { return step.source(of: entry) }
    }
    return nil
  }

  /// The result's side of the last step that touches a tensor.
  func result(of name: String) -> TensorState? {
    for step in steps.reversed() {
      if let entry = step.patch.entry(named: name) { return step.result(of: entry) }
    }
    return nil
  }

  func touches(_ name: String) -> Bool {
    steps.contains { $0.patch.entry(named: name) != nil }
  }
}
