import CTKCore

/// What running all routes of a chain found, against what the chain declares.
struct FingerprintLedger {
  let chain: PatchChain
  let routes: [TensorRoute]
  let digests: [RouteDigests]

  /// Whether every touched tensor was in the source as declared.
  var isSource: Bool {
    zip(routes, digests).allSatisfy { !$0.isTouched || $0.declared.source == $1.source }
  }

  /// Checks every tensor and every fingerprint along the chain.
  ///
  /// - Throws: what `SourceDiagnosis` finds, `patch.wrong-result`.
  func check(_ source: any TensorSource, _ workers: Workers) throws(PatchError) {
    for stage in chain.fingerprints.indices {
      let found = Fingerprint.checkpoint(tensors(at: stage))
      if found == chain.fingerprints[stage] && (stage > 0 || isSource) { continue }
      if stage == 0 { throw try SourceDiagnosis(chain: chain, source: source, workers).error() }
      throw PatchError(
        .wrongResult,
        "the result's fingerprint is \(found), expected "
          + "\(chain.fingerprints[stage])", path: chain.steps[stage - 1].patch.path,
        hint: "the patch contradicts itself; make it again")
    }
  }

  /// Name and digest of every tensor at one fingerprint of the chain; between the
  /// ends those that the patches declare.
  private func tensors(at stage: Int) -> [(name: String, digest: Digest)] {
    zip(routes, digests).compactMap { route, found in
      let digest =
        switch stage {
        case 0: found.source
        case chain.steps.count: found.result
        default: route.isTouched ? declared(route.name, at: stage) : found.source
        }
      return digest.map { (route.name, $0) }
    }
  }

  private func declared(_ name: String, at stage: Int) -> Digest? {
    for step in chain.steps[..<stage].reversed() {
      if let entry = step.patch.entry(named: name) { return step.result(of: entry)?.digest }
    }
    return chain.source(of: name)?.digest
  }
}

extension TensorRoute {
  /// Checks what was made against what the patch declares.
  ///
  /// - Throws: `patch.wrong-result`, also when the source is not the declared one.
  func check(_ found: RouteDigests, _ chain: PatchChain) throws(PatchError) {
    guard isTouched, found != RouteDigests(source: declared.source, result: declared.result)
    else { return }
    throw PatchError(
      .wrongResult,
      "tensor '\(name)' became \(found.result?.hex ?? "nothing"), expected "
        + (declared.result?.hex ?? "nothing"), path: chain.steps[0].patch.path,
      hint: "the patch contradicts itself; make it again")
  }
}
