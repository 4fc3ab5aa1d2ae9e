import CTKCore

/// Maker of the drafts of a squashed chain.
struct TensorSquash {
  let chain: PatchChain
  /// What the first patch applies to, if it is at hand.
  let base: (any TensorSource)?
  let options: ExportOptions
  let spool: Spool

  /// What the chain does to a tensor that it touches, as one change; nil when it
  /// cancels.
  ///
  /// - Throws: `patch.needs-base`, `patch.wrong-base`, `patch.chain-broken`,
  ///   `patch.wrong-result`, `patch.damaged`, `patch.unsupported`, `output.*`.
  func draft(_ name: String) throws(PatchError) -> TensorDraft? {
    let history = try TensorHistory(
      name: name,
      steps: chain.steps.compactMap { step in
        step.patch.entry(named: name).map { (step.patch, $0) }
      }, base: base)
    if history.cancels { return nil }
    return history.isSum ? try sum(history) : try difference(history)
  }

  private func sum(_ history: TensorHistory) throws(PatchError) -> TensorDraft? {
    guard let before = history.before, let info = history.after?.info else { return nil }
    var stream = DraftStream(spool, options.codec)
    let changes = try stream.add { (choice, sink) throws(PatchError) in
      try history.withBase { (base) throws(PatchError) in
        let sum = SummedChanges(
          unit: CodingUnit(info.dtype), unitCount: info.unitCount,
          patches: try history.changes(from: base), base: base)
        return try sum.encode(
          UnitStreamEncoder(info, choice: choice, blockShift: options.blockShift), to: sink)
      }
    }
    guard changes > 0 || before.info != info else {
      throw PatchError(
        .damaged, "the changes of tensor '\(history.name)' cancel, but its digests differ",
        path: history.steps[0].patch.path, hint: "fetch the patches again")
    }
    return try stream.finish(
      history.name, before: before, after: history.after, changes: changes)
  }

  /// Makes both ends and compares them.
  private func difference(_ history: TensorHistory) throws(PatchError) -> TensorDraft {
    let patches = chain.steps.map(\.patch)
    let draft = try TensorPairEncoder(
      base: try end(history, .revert, patches), tuned: try end(history, .apply, patches),
      options: options, spool: spool
    ).draft(history.name)
    guard draft.before == history.before else { throw history.wrongBase }
    return draft
  }

  /// The tensor before or after the chain: at hand, or made from the other end by
  /// patches that hold it whole.
  private func end(
    _ history: TensorHistory, _ direction: PatchDirection, _ patches: [PatchFile]
  ) throws(PatchError) -> any TensorSource {
    var result = TensorCollection()
    guard let state = direction == .apply ? history.after : history.before else { return result }
    if direction == .revert, let base { return base }
    let way = try PatchChain(patches, direction: direction)
    let source = direction == .apply ? base ?? TensorCollection() : TensorCollection()
    let route = try way.route(of: history.name, source.info(of: history.name), source) {
      PatchError(
        .needsBase, "tensor '\(history.name)' cannot be told without the base",
        path: history.steps[0].patch.path, hint: "give the base of the first patch")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(state.info.byteCount)
    let made = try route.run(source) { _, tile in bytes.append(contentsOf: tile) }
    guard made.result == state.digest else {
      throw PatchError(
        .wrongResult,
        "tensor '\(history.name)' became \(made.result?.hex ?? "nothing"), expected "
          + state.digest.hex, path: history.steps[0].patch.path,
        hint: "the patch contradicts itself; make it again")
    }
    try PatchError.wrap { () throws(CoreError) in
      try result.set(
        history.name, dtype: state.info.dtype, shape: state.info.shape, bytes: bytes)
    }
    return result
  }
}
