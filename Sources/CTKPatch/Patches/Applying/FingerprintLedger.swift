import CTKCore

/// Tensor digests at every fingerprint of a chain, gathered tensor by tensor.
struct FingerprintLedger {
  private var stages: [[(name: String, digest: Digest)]]
  private let chain: PatchChain

  init(_ chain: PatchChain) {
    self.chain = chain
    stages = Array(repeating: [], count: chain.steps.count + 1)
  }

  mutating func record(_ name: String, _ digests: [Digest?]) {
    for (stage, digest) in digests.enumerated() {
      if let digest { stages[stage].append((name, digest)) }
    }
  }

  /// Checks every fingerprint once all tensors are recorded.
  ///
  /// - Throws: what `SourceDiagnosis` finds, `patch.wrong-result`.
  func check(source: any TensorSource) throws(PatchError) {
    for (stage, expected) in chain.fingerprints.enumerated() {
      let found = Fingerprint.checkpoint(stages[stage])
      if found == expected { continue }
      if stage == 0 { throw try SourceDiagnosis(chain: chain, source: source).error() }
      throw PatchError(
        .wrongResult, "the result's fingerprint is \(found), expected \(expected)",
        path: chain.steps[stage - 1].patch.path,
        hint: "the patch contradicts itself; make it again")
    }
  }
}
