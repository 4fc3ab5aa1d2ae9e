import ArgumentParser
import CTKCore
import CTKPatch

/// One application, reversal or exchange of patches, to a new folder, in place
/// or on trial.
struct ModelChange {
  enum Kind {
    case apply(patches: [String])
    case revert(patches: [String])
    case replace(patch: String, by: String)
  }

  let model: String
  let kind: Kind
  let options: ChangeOptions

  private var target: ModelDestination { options.target }

  func run(_ reporter: Reporter, schema: String) throws {
    if let destination = target.destination { try requireFree(destination) }
    let summary = try change(reporter.progress)
    var fields = JSONObject([
      "fingerprint": .string(summary.fingerprint.hex), "tensors": .integer(summary.tensorCount),
      "touched": .integer(summary.touched.count), "seconds": .real(reporter.seconds),
      "peak_memory_bytes": .integer(PeakMemory.bytes),
    ])
    if target.dryRun { fields["dry_run"] = true }
    let note = target.dryRun ? "the patch fits; nothing was written\n" : ""
    reporter.finish(
      schema: schema, fields,
      text: note + """
        touched      \(summary.touched.count) of \(summary.tensorCount) tensors
        fingerprint  \(summary.fingerprint.hex)
        """)
  }

  private func requireFree(_ destination: String) throws(CoreError) {
    if Folder.exists(model) || model.hasSuffix(".json") {
      try OutputPath.require(freeFolder: destination, .checkpoint, options.force)
    } else {
      try OutputPath.require(freeFile: destination, options.force)
    }
  }

  private var destination: ApplyDestination {
    if target.dryRun { return .dryRun }
    return target.destination.map { .output($0) } ?? .inPlace
  }

  private func change(_ progress: ProgressHandler?) throws(PatchError) -> ApplySummary {
    var apply = ApplyOptions(
      replacesExisting: options.force.force, isDurable: target.sync,
      threadCount: options.threads.count)
    apply.masks = try options.masks.read()
    return switch kind {
    case .apply(let patches):
      try PatchApplier.apply(
        base: model, patches: patches, to: destination, options: apply, progress: progress)
    case .revert(let patches):
      try PatchApplier.revert(
        model: model, patches: patches, to: destination, options: apply, progress: progress)
    case .replace(let old, let new):
      try PatchApplier.replace(
        model: model, patch: old, by: new, to: destination, options: apply,
        progress: progress)
    }
  }
}
