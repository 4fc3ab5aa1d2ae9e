package import CTKCheckpoint
package import CTKCore
import CTKModel
package import CTKPatch

/// A run that ended, opened again on its base.
package struct FinishedRun {
  package let manifest: RunManifest
  package let weights: RunWeights
  /// The child, or nil for a run that trained everything.
  package let mask: ParameterMask?
  /// Of the weights outside the child, where they may move.
  package let drift: ChildDrift?
  /// Bytes of the tuned model's `config.json`.
  package let configuration: [UInt8]

  private let folder: RunFolder

  /// - Parameter checksBase: whether the base is hashed and compared; a caller that
  ///   hashes it anyway compares it itself.
  /// - Throws: `run.missing`, `run.incomplete`, `run.mismatch` for another base, and the
  ///   codes of reading its files.
  package init(
    folder: RunFolder, base: Checkpoint, checksBase: Bool = true,
    progress: ProgressHandler? = nil
  ) throws(TuningError) {
    self.folder = folder
    manifest = try RunManifest.read(folder)
    guard folder.isComplete else {
      throw TuningError(
        .runIncomplete, "the run has not finished", path: folder.path,
        hint: "continue it with ctk finetune --resume")
    }
    if checksBase {
      let fingerprint = try TuningError.wrap { () throws(CheckpointError) in
        try base.fingerprint(progress: progress)
      }
      if fingerprint != manifest.baseFingerprint { throw Self.otherBase(manifest, folder) }
    }
    let choice = try TrainableChoice(manifest, folder)
    let hasMask = choice.method.contains(.childD)
    let mask = try TuningError.wrap { () throws(PatchError) in
      hasMask ? try ParameterMask(path: folder.mask) : nil
    }
    let model = try TaskModel.load(TaskBase(base), labels: manifest.labels, seed: 0)
      .reinitialized(
        layers: manifest.options["reinitialized_layers"]?.intValue ?? 0, seed: 0)
    let plan = try TrainablePlan.of(
      model.network.layout, choice, mask: mask, initialized: model.initialized)
    try RunState.restoreWeights(
      model.parameters, plan: plan, planDigest: plan.digest, from: folder.state)
    self.mask = mask
    drift = try RunResult.read(folder).drift
    weights = try RunWeights(base: base.weights, parameters: model.parameters, plan: plan)
    configuration = try TuningError.wrap { () throws(CoreError) in
      try readSmallFile(folder.configuration)
    }
  }

  /// The error for a base that is not the run's.
  package var otherBase: TuningError { Self.otherBase(manifest, folder) }

  private static func otherBase(_ manifest: RunManifest, _ folder: RunFolder) -> TuningError {
    TuningError(
      .runMismatch, "the run was tuned from another base",
      path: folder.path, hint: "its base was \(manifest.basePath)")
  }

  /// What a patch of the run says about where it comes from.
  package func provenance(license: String?, note: String?, tool: String) -> Provenance {
    Provenance(
      task: manifest.task, method: manifest.options["method"]?.stringValue, keep: mask?.keep,
      maskDigest: mask?.digest, hyperparameters: manifest.options, baseLicense: license,
      note: note, tool: tool)
  }
}
