import CTKCore

/// What a chain of patches does to one tensor, from its first to its last entry.
struct TensorHistory {
  typealias Step = (patch: PatchFile, entry: PatchEntry)

  let name: String
  let steps: [Step]
  /// Where the tensor is before the first step, if that is at hand.
  let base: (any TensorSource)?

  /// - Throws: `patch.chain-broken` when an entry does not continue the one before.
  init(name: String, steps: [Step], base: (any TensorSource)?) throws(PatchError) {
    precondition(!steps.isEmpty, "a history has at least one step")
    self.name = name
    self.steps = steps
    self.base = base
    for (step, next) in zip(steps, steps.dropFirst()) where step.entry.after != next.entry.before {
      throw PatchError(
        .chainBroken, "this patch does not continue the one before it in tensor '\(name)'",
        path: next.patch.path, hint: "the patch contradicts its fingerprints; make it again")
    }
  }

  var before: TensorState? { steps[0].entry.before }
  var after: TensorState? { steps[steps.count - 1].entry.after }

  /// Whether the tensor ends as it began.
  var cancels: Bool { before == after }

  /// Whether every step changes units in place only.
  var isSum: Bool {
    steps.allSatisfy { $0.patch.content(of: $0.entry)?.changesInPlace == true }
  }

  /// Lends the tensor before the first step, or nil when no base is at hand.
  ///
  /// - Throws: `patch.wrong-base`, and the codes of the source.
  func withBase<Result>(
    _ body: (UnsafeRawBufferPointer?) throws(PatchError) -> Result
  ) throws(PatchError) -> Result {
    guard let base else { return try body(nil) }
    guard let before, base.info(of: name) == before.info else { throw wrongBase }
    defer { base.discard(name, nil) }
    return try base.lend(name) { (bytes) throws(PatchError) in
      guard Fingerprint.tensor(before.info, bytes: bytes) == before.digest else {
        throw wrongBase
      }
      return try body(bytes)
    }
  }

  var wrongBase: PatchError {
    PatchError(
      .wrongBase, "tensor '\(name)' of the base is not the one the chain begins with",
      path: steps[0].patch.path, hint: "give the base of the first patch")
  }

  /// The changes of every step, for a history that is a sum.
  ///
  /// - Parameter base: the tensor before the first step.
  /// - Throws: `patch.needs-base` when a step cannot be decoded without it.
  func changes(from base: UnsafeRawBufferPointer?) throws(PatchError) -> [TensorPatch] {
    var patches: [TensorPatch] = []
    let current = base.map { TensorBuffer(copying: $0) }
    for step in steps {
      guard let current else {
        patches.append(try step.patch.tensorPatch(named: name))
        continue
      }
      patches.append(
        try current.withBytes { (bytes) throws(PatchError) in
          let patch = try step.patch.tensorPatch(
            named: name, base: UnsafeRawBufferPointer(bytes))
          patch.apply(to: bytes)
          return patch
        })
    }
    return patches
  }
}
