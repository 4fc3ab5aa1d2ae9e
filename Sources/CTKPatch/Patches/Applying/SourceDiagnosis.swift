import CTKCore

/// Why a checkpoint is not what a chain of patches starts from
/// (`formats/patch.md` section 9).
struct SourceDiagnosis {
  private let chain: PatchChain
  private let digests: [UTF8Key: Digest]
  private let fingerprint: Digest

  init(
    chain: PatchChain, source: any TensorSource, _ workers: Workers
  ) throws(PatchError) {
    self.chain = chain
    let digests = try source.tensorDigests(workers)
    fingerprint = Fingerprint.checkpoint(digests)
    self.digests = Dictionary(digests.map { (UTF8Key($0.name), $0.digest) }) { first, _ in first }
  }

  /// Whether the checkpoint is what the chain starts from after all.
  var isSource: Bool { fingerprint == chain.fingerprints[0] }

  /// The error to report; `error().code` tells wrong, partly applied and
  /// already applied apart.
  func error() -> PatchError {
    let path = chain.steps[0].patch.path
    if let stage = chain.fingerprints.lastIndex(of: fingerprint) {
      return stage == 0
        ? PatchError(
          .damaged, "the patch's table contradicts its own fingerprint", path: path,
          hint: "make the patch again")
        : doneAlready(stage, path: path)
    }
    var (sources, results) = (0, 0)
    for name in chain.touchedNames {
      let found = digests[UTF8Key(name)]
      if found == chain.source(of: name)?.digest {
        sources += 1
      } else if found == chain.result(of: name)?.digest {
        results += 1
      } else {
        return wrong("tensor '\(name)' differs: \(difference(of: name, found))", path: path)
      }
    }
    if sources > 0 && results > 0 {
      return PatchError(
        .partlyApplied,
        "\(results) of \(sources + results) tensors are patched already, the others are not",
        path: path, hint: "start again from an intact copy")
    }
    return wrong(
      "a tensor that the patch does not touch differs: the checkpoint's fingerprint is "
        + "\(fingerprint), expected \(chain.fingerprints[0])", path: path)
  }

  private func difference(of name: String, _ found: Digest?) -> String {
    let expected = chain.source(of: name)?.digest.hex ?? "no such tensor"
    return "expected \(expected), found \(found?.hex ?? "no such tensor")"
  }

  private func doneAlready(_ stage: Int, path: String) -> PatchError {
    let count = chain.steps.count
    let which = count == 1 ? "the patch is" : "\(stage) of \(count) patches are"
    switch chain.purpose {
    case .apply:
      return PatchError(
        .alreadyApplied, "\(which) already applied to this checkpoint", path: path,
        hint: "nothing is to be done, or apply the rest of the chain")
    case .revert:
      return PatchError(
        .notApplied, "\(which) not applied to this checkpoint", path: path,
        hint: "nothing is to be done, or revert the rest of the chain")
    case .replace where stage < count:
      return PatchError(
        .notApplied, "this is the base of both patches, neither is applied", path: path,
        hint: "apply the second patch")
    case .replace:
      return PatchError(
        .alreadyApplied, "the second patch is already applied in place of the first", path: path,
        hint: "nothing is to be done")
    }
  }

  private func wrong(_ what: String, path: String) -> PatchError {
    chain.purpose == .apply
      ? PatchError(
        .wrongBase, "this is not the checkpoint the patch was made from; \(what)", path: path,
        hint: "give the base with fingerprint \(chain.fingerprints[0])")
      : PatchError(
        .wrongTarget, "this is not the checkpoint the patch leads to; \(what)", path: path,
        hint: "give the checkpoint with fingerprint \(chain.fingerprints[0])")
  }
}
