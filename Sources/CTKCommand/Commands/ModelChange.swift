import CTKCore
import CTKPatch
import CTKSafetensors

/// One application or reversal of patches, to a new folder, in place or on trial.
struct ModelChange {
  enum Direction {
    case apply
    case revert
  }

  let model: String
  let patches: [String]
  let direction: Direction
  let target: ModelDestination
  let force: ForceOption

  func run(_ reporter: Reporter, schema: String) throws {
    if target.dryRun { return try check(reporter, schema: schema) }
    if let destination = target.destination {
      try OutputPath.require(freeFolder: destination, .checkpoint, force)
    }
    let summary =
      if target.inPlace {
        try replaceModel(reporter)
      } else {
        try change(
          to: target.destination ?? "", replacesExisting: force.force, reporter.progress)
      }
    let fields = JSONObject([
      "fingerprint": .string(summary.fingerprint.hex), "tensors": .integer(summary.tensorCount),
      "touched": .integer(summary.touched.count), "seconds": .real(reporter.seconds),
      "peak_memory_bytes": .integer(PeakMemory.bytes),
    ])
    reporter.finish(
      schema: schema, fields,
      text: """
        touched      \(summary.touched.count) of \(summary.tensorCount) tensors
        fingerprint  \(summary.fingerprint.hex)
        """)
  }

  private func change(
    to output: String, replacesExisting: Bool, _ progress: ProgressHandler?
  ) throws(PatchError) -> ApplySummary {
    let options = ApplyOptions(replacesExisting: replacesExisting)
    return switch direction {
    case .apply:
      try PatchApplier.apply(
        base: model, patches: patches, output: output, options: options, progress: progress)
    case .revert:
      try PatchApplier.revert(
        model: model, patches: patches, output: output, options: options, progress: progress)
    }
  }

  /// Writes the result beside the model, then lets it take the model's place.
  private func replaceModel(_ reporter: Reporter) throws -> ApplySummary {
    let staging = try AtomicFolder(path: model, replacesExisting: true)
    let result = staging.path(of: "result")
    let summary = try change(to: result, replacesExisting: false, reporter.progress)
    try staging.promote("result")
    return summary
  }

  private func check(_ reporter: Reporter, schema: String) throws {
    var files: [PatchFile] = []
    for path in patches { files.append(try PatchFile(path: path)) }
    let source = try SafetensorsCheckpoint(path: model)
    let isBase = direction == .apply
    guard let first = isBase ? files.first : files.last else { return }
    let result = try PatchVerifier.verify(
      first, base: isBase ? source : nil, tuned: isBase ? nil : source,
      progress: reporter.progress)
    if let difference = result.firstDifference {
      throw PatchError(
        isBase ? .wrongBase : .wrongTarget,
        "'\(difference.subject)' is not as the patch says; nothing was written", path: model)
    }
    let outcome = isBase ? first.header.targetFingerprint : first.header.baseFingerprint
    let fields = JSONObject([
      "fingerprint": .string(outcome.hex), "dry_run": true, "checked": .integer(result.checked),
      "seconds": .real(reporter.seconds), "peak_memory_bytes": .integer(PeakMemory.bytes),
    ])
    reporter.finish(
      schema: schema, fields,
      text: "the patch fits; the result would be \(outcome.hex)")
  }
}
