public import CTKCore

/// The outcome of checking a patch against what is at hand.
public struct VerifyResult: Sendable {
  /// The first thing that is not as the patch says.
  public struct Difference: Sendable {
    /// A tensor's name, or `base` or `tuned` for a whole checkpoint.
    public let subject: String
    /// "base", "tuned", "result" or "unrounded".
    public let place: String
    /// Digests; nil for a tensor that is not there.
    public let expected: Digest?
    public let found: Digest?
  }

  /// Digests and streams that were compared.
  public let checked: Int
  public let firstDifference: Difference?

  public var isOK: Bool { firstDifference == nil }

  /// The members that `ctk verify --json` prints.
  public var json: JSONObject {
    var object = JSONObject(["ok": .bool(isOK), "checked": .integer(checked)])
    object["first_difference"] = firstDifference.map { .string($0.subject) } ?? .null
    if let difference = firstDifference {
      var details = JSONObject(["place": .string(difference.place)])
      details["expected"] = difference.expected.map { .string($0.hex) } ?? .null
      details["found"] = difference.found.map { .string($0.hex) } ?? .null
      object["difference"] = .object(details)
    }
    return object
  }
}

/// Checks of every digest of a patch.
public enum PatchVerifier {
  /// Checks the patch itself, and against the base, the tuned model or both.
  ///
  /// The header's seal was checked when the patch was opened. Each stream is
  /// compared with the payload digest and decoded. A checkpoint's tensors and
  /// fingerprint are compared, and the patch is applied to it, or reverted from
  /// it, in memory.
  ///
  /// - Parameter unrounded: the model before its changes were rounded, against which the
  ///   errors that the patch names are measured; needs the base.
  /// - Throws: `patch.damaged`, `patch.unsupported`, and the codes of the sources;
  ///   a difference is a result, not an error.
  public static func verify(
    _ patch: PatchFile, base: (any TensorSource)? = nil, tuned: (any TensorSource)? = nil,
    unrounded: (any TensorSource)? = nil, threadCount: Int? = nil, progress: ProgressHandler? = nil
  ) throws(PatchError) -> VerifyResult {
    try patch.verifyPayload()
    let workers = Workers(threadCount: threadCount)
    let entries = patch.header.entries
    var checked = 1 + patch.header.streamNames.count
    _ = try workers.map(weights: entries.map(\.changes)) { (index) throws(PatchError) in
      try patch.checkStream(entries[index])
    }
    for entry in patch.header.files { _ = try patch.contents(of: entry) }
    for (source, direction) in [(base, PatchDirection.apply), (tuned, .revert)] {
      guard let source else { continue }
      let check = SideCheck(
        patch: patch, source: source, direction: direction, workers: workers,
        progress: progress)
      if let difference = try check.firstDifference(&checked) {
        return VerifyResult(checked: checked, firstDifference: difference)
      }
    }
    if let base, let unrounded {
      let check = RoundingCheck(
        patch: patch, base: base, unrounded: unrounded, workers: workers)
      if let difference = try check.firstDifference(&checked) {
        return VerifyResult(checked: checked, firstDifference: difference)
      }
    }
    return VerifyResult(checked: checked, firstDifference: nil)
  }
}

/// The comparison of one checkpoint with one side of a patch.
private struct SideCheck {
  let patch: PatchFile
  let source: any TensorSource
  let direction: PatchDirection
  let workers: Workers
  let progress: ProgressHandler?

  private var step: PatchStep { PatchStep(patch: patch, direction: direction) }
  private var place: String { direction == .apply ? "base" : "tuned" }

  func firstDifference(
    _ checked: inout Int
  ) throws(PatchError) -> VerifyResult.Difference? {
    let digests = try source.tensorDigests(workers)
    let found = Dictionary(digests.map { (UTF8Key($0.name), $0.digest) }) { first, _ in first }
    for entry in patch.header.entries {
      checked += 1
      let expected = step.source(of: entry)?.digest
      let actual = found[UTF8Key(entry.name)]
      if actual != expected {
        return VerifyResult.Difference(
          subject: entry.name, place: place, expected: expected, found: actual)
      }
    }
    checked += 1
    let fingerprint = Fingerprint.checkpoint(digests)
    if fingerprint != step.sourceFingerprint {
      return VerifyResult.Difference(
        subject: place, place: place, expected: step.sourceFingerprint, found: fingerprint)
    }
    return try resultDifference(&checked, digests: found)
  }

  /// Makes the other side and compares it.
  private func resultDifference(
    _ checked: inout Int, digests: [UTF8Key: Digest]
  ) throws(PatchError) -> VerifyResult.Difference? {
    let routes = try PatchChain([patch], direction: direction).routes(for: source, workers)
      .filter(\.isTouched)
    let found = try workers.map(
      weights: routes.map(\.weight),
      completed: { completed in
        progress?(
          ProgressEvent(
            stage: "verify", completed: completed, total: routes.count, unit: "tensors"))
      },
      { (index) throws(PatchError) in try routes[index].run(source).result })
    var results = digests
    for (route, digest) in zip(routes, found) {
      checked += 1
      if digest != route.declared.result {
        return VerifyResult.Difference(
          subject: route.name, place: "result", expected: route.declared.result, found: digest)
      }
      results[UTF8Key(route.name)] = digest
    }
    checked += 1
    let fingerprint = Fingerprint.checkpoint(results.map { ($0.key.text, $0.value) })
    return fingerprint == step.resultFingerprint
      ? nil
      : VerifyResult.Difference(
        subject: direction == .apply ? "tuned" : "base", place: "result",
        expected: step.resultFingerprint, found: fingerprint)
  }
}
