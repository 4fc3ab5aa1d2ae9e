import CTKCore

/// Patches used one after the other on one checkpoint.
struct PatchChain: Sendable {
  let steps: [PatchStep]
  let direction: PatchDirection

  /// - Parameter patches: in the order in which they are, or were, applied.
  /// - Throws: `patch.chain-broken`.
  init(_ patches: [PatchFile], direction: PatchDirection) throws(PatchError) {
    precondition(!patches.isEmpty, "a chain has at least one patch")
    self.direction = direction
    let ordered = direction == .apply ? patches : patches.reversed()
    steps = ordered.map { PatchStep(patch: $0, direction: direction) }
    for (first, second) in zip(steps, steps.dropFirst())
    where first.resultFingerprint != second.sourceFingerprint {
      throw PatchError(
        .chainBroken,
        "this patch expects \(second.sourceFingerprint), but the one next to it leads to "
          + "\(first.resultFingerprint)", path: second.patch.path,
        hint: "list the patches in the order in which they were made")
    }
  }

  /// Fingerprints along the chain, the source's first.
  var fingerprints: [Digest] {
    steps.prefix(1).map(\.sourceFingerprint) + steps.map(\.resultFingerprint)
  }

  /// Names of the tensors that any step touches, sorted.
  var touchedNames: [String] {
    let names = Set(steps.flatMap { $0.patch.header.entries.map(\.name) })
    return names.sorted(by: utf8Precedes)
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

// MARK: Plan

/// One tensor before and after a chain.
struct TensorPlan: Sendable {
  let name: String
  let source: TensorInfo?
  let result: TensorInfo?
  let isTouched: Bool
}

extension PatchChain {
  /// What becomes of every tensor of a source, in name order.
  ///
  /// - Throws: what `SourceDiagnosis` finds when a tensor is missing, is in the
  ///   way, or has another dtype or shape.
  func plan(for source: any TensorSource) throws(PatchError) -> [TensorPlan] {
    let names = Set(source.tensors.map(\.name)).union(touchedNames)
    var plans: [TensorPlan] = []
    for name in names.sorted(by: utf8Precedes) {
      let info = source.info(of: name)
      guard touches(name) else {
        plans.append(TensorPlan(name: name, source: info, result: info, isTouched: false))
        continue
      }
      guard info == self.source(of: name)?.info else {
        throw try SourceDiagnosis(chain: self, source: source).error()
      }
      plans.append(
        TensorPlan(name: name, source: info, result: result(of: name)?.info, isTouched: true))
    }
    return plans
  }

  /// Makes one tensor of the result and lends it to `body`, or nothing when the
  /// result has no such tensor.
  ///
  /// - Returns: the tensor's digest at each fingerprint of the chain; nil where
  ///   it does not exist.
  /// - Throws: what `SourceDiagnosis` finds, `patch.chain-broken`,
  ///   `patch.wrong-result`, `patch.damaged`.
  func transform(
    _ plan: TensorPlan, of source: any TensorSource,
    _ body: (UnsafeRawBufferPointer) throws(PatchError) -> Void
  ) throws(PatchError) -> [Digest?] {
    defer { source.release(plan.name) }
    guard let info = plan.source else { return try transform(plan, nil, of: source, body) }
    return try source.lend(plan.name) { (bytes) throws(PatchError) in
      if plan.isTouched { return try transform(plan, (info, bytes), of: source, body) }
      let digest = Fingerprint.tensor(info, bytes: bytes)
      try body(bytes)
      return Array(repeating: digest, count: steps.count + 1)
    }
  }

  private func transform(
    _ plan: TensorPlan, _ original: (info: TensorInfo, bytes: UnsafeRawBufferPointer)?,
    of source: any TensorSource, _ body: (UnsafeRawBufferPointer) throws(PatchError) -> Void
  ) throws(PatchError) -> [Digest?] {
    var state = original.map { tensor in
      TensorState(
        info: tensor.info, digest: Fingerprint.tensor(tensor.info, bytes: tensor.bytes))
    }
    guard state == self.source(of: plan.name) else {
      throw try SourceDiagnosis(chain: self, source: source).error()
    }
    var digests = [state?.digest]
    var buffer: TensorBuffer?
    for step in steps {
      if let entry = step.patch.entry(named: plan.name) {
        guard step.source(of: entry) == state else { throw broken(at: step, plan.name) }
        buffer = try step.transform(entry) { () throws(PatchError) in
          buffer ?? TensorBuffer(copying: original?.bytes ?? Self.nothing)
        }
        state = step.result(of: entry)
      }
      digests.append(state?.digest)
    }
    try buffer?.withBytes { (bytes) throws(PatchError) in
      try body(UnsafeRawBufferPointer(bytes))
    }
    return digests
  }

  private static var nothing: UnsafeRawBufferPointer { .init(start: nil, count: 0) }

  private func broken(at step: PatchStep, _ name: String) -> PatchError {
    PatchError(
      .chainBroken, "this patch does not continue the one next to it in tensor '\(name)'",
      path: step.patch.path, hint: "the patch contradicts its fingerprints; make it again")
  }
}
