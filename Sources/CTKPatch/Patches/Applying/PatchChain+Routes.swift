import CTKCore

extension PatchChain {
  /// How every tensor of the result is made, in name order.
  ///
  /// - Throws: what `SourceDiagnosis` finds when a tensor is missing, is in the
  ///   way, or has another dtype or shape; `patch.chain-broken`, `patch.damaged`.
  func routes(for source: any TensorSource, _ workers: Workers) throws(PatchError) -> [TensorRoute]
  {
    var routes: [TensorRoute] = []
    for name in sortedNames(source.tensors.map(\.name) + touchedNames) {
      let info = source.info(of: name)
      guard !touches(name) || info == self.source(of: name)?.info else {
        throw try SourceDiagnosis(chain: self, source: source, workers).error()
      }
      routes.append(try route(of: name, info, source))
    }
    return routes
  }

  /// How one tensor is made.
  ///
  /// - Parameters:
  ///   - info: the tensor in the source, which is as the chain describes it.
  ///   - missing: the error for a source without the tensor that the way begins
  ///     with; nil when that can only be a damaged patch's fault.
  /// - Throws: `patch.chain-broken`, `patch.damaged`.
  func route(
    of name: String, _ info: TensorInfo?, _ source: any TensorSource,
    missing: (() -> PatchError)? = nil
  ) throws(PatchError) -> TensorRoute {
    guard touches(name) else {
      return TensorRoute(
        name: name, source: info, result: info, declared: (nil, nil), isTouched: false,
        origin: info, operations: [])
    }
    try requireContinuity(of: name)
    let (origin, operations) = way(to: name)
    for operation in operations { try operation.patch.requirePlausible(operation.entry) }
    let result = result(of: name)
    let originInfo = origin.flatMap { source.info(of: $0) }
    if result != nil && origin != nil && originInfo == nil {
      if let missing { throw missing() }
      throw steps[0].patch.damaged("tensor '\(name)' is an alias of a tensor that is not there")
    }
    return TensorRoute(
      name: name, source: info, result: result?.info,
      declared: (self.source(of: name)?.digest, result?.digest), isTouched: true,
      origin: originInfo, operations: operations)
  }

  /// The tensor of the source to begin with, and what to do to its bytes.
  private func way(to name: String) -> (origin: String?, operations: [TensorOperation]) {
    var (name, operations) = (name, [TensorOperation]())
    for step in steps.reversed() {
      guard var entry = step.patch.entry(named: name) else { continue }
      if let original = entry.original {
        name = original
        guard let other = step.patch.entry(named: original) else { continue }
        entry = other
      }
      let operation = TensorOperation(patch: step.patch, entry: entry, direction: step.direction)
      if operation.result == nil { return (nil, operations) }
      operations.insert(operation, at: 0)
      if !operation.needsSource { return (nil, operations) }
    }
    return (name, operations)
  }

  /// Checks that each step begins with what the one before it made.
  private func requireContinuity(of name: String) throws(PatchError) {
    var state: TensorState??
    for step in steps {
      guard let entry = step.patch.entry(named: name) else { continue }
      if let state, state != step.source(of: entry) {
        throw PatchError(
          .chainBroken, "this patch does not continue the one next to it in tensor '\(name)'",
          path: step.patch.path,
          hint: "the patch contradicts its fingerprints; make it again")
      }
      state = .some(step.result(of: entry))
    }
  }
}
