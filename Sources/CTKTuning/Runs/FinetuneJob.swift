import CTKCheckpoint
import CTKCore
import CTKModel
package import CTKPatch
package import CTKTensor

/// One run as the command line asks for it: folder, mask, training, results.
///
/// Everything that can be refused is looked at before the run folder appears.
package struct FinetuneJob {
  private let folder: RunFolder
  private let base: TaskBase
  private let data: TaskData
  private let options: FinetuneOptions
  private let manifest: RunManifest
  private let mask: MaskFile?
  private let compute: Compute
  private let session: FinetuneSession

  /// - Parameter mask: the mask to train, or nil to compute one for the task.
  package init(
    folder: RunFolder, base: TaskBase, data: TaskData, options: FinetuneOptions,
    manifest: RunManifest, mask: MaskFile?, compute: Compute, session: FinetuneSession
  ) {
    self.folder = folder
    self.base = base
    self.data = data
    self.options = options
    self.manifest = manifest
    self.mask = mask
    self.compute = compute
    self.session = session
  }

  private var checkpoint: Checkpoint { base.checkpoint }

  /// Trains, evaluates and records; a finished run is only read.
  ///
  /// - Parameters:
  ///   - resumes: whether to continue what the folder holds.
  ///   - replacesExisting: whether a new run may take the place of what the folder holds.
  /// - Throws: `data.empty`, `run.missing`, `run.mismatch`, `run.interrupted`, `output.*`, and
  ///   the codes of masks, models and training.
  package func run(resumes: Bool, replacesExisting: Bool) throws(TuningError) -> RunResult {
    if data.train.isEmpty { throw TuningError(.dataEmpty, "there are no training examples") }
    if data.dev.isEmpty { throw TuningError(.dataEmpty, "there are no evaluation examples") }
    let continues = resumes ? try canContinue() : false
    if continues && folder.isComplete { return try finished() }
    try options.loop.validate(
      data, metrics: manifest.metrics, layerCount: checkpoint.configuration.layerCount)
    let model = try TaskModel.load(base, labels: data.labels, seed: options.seed)
      .reinitialized(layers: options.loop.reinitializedLayers, seed: options.seed)
    let child = RunMask(
      folder: folder, options: options, manifest: manifest, given: mask, train: data.train,
      session: session, compute: compute)
    let mask = try continues ? child.resume(model) : child.begin(model)
    let plan = try TrainablePlan.of(
      model.network.layout, TrainableChoice(options), mask: mask,
      initialized: model.initialized)
    let weights = try RunWeights(
      base: checkpoint.weights, parameters: model.parameters, plan: plan)
    if !continues {
      try folder.create(manifest, replacesExisting: replacesExisting) {
        (path) throws(PatchError) in try child.write(mask, to: path)
      }
    }
    do {
      let outcome = try train(model, plan)
      return try record(outcome, model, plan, weights)
    } catch {
      // A run without a saved step holds nothing to continue from.
      if !continues && !Folder.fileExists(folder.state) { Folder.removeTree(folder.path) }
      throw error
    }
  }

  // MARK: Continuing

  /// Whether the folder holds this run; false where nothing has the name.
  private func canContinue() throws(TuningError) -> Bool {
    if folder.isVacant { return false }
    let differences = try RunManifest.read(folder).differences(from: manifest)
    if !differences.isEmpty {
      throw TuningError(
        .runMismatch,
        "the run was started with other settings: \(differences.joined(separator: ", "))",
        path: folder.path, hint: "repeat the first command and add --resume")
    }
    return true
  }

  /// The result of a finished run, with what this session asks for besides.
  private func finished() throws(TuningError) -> RunResult {
    let result = try RunResult.read(folder)
    if session.plots { try plot() }
    if session.savesModel && !Folder.exists(folder.model) {
      let run = try FinishedRun(folder: folder, base: checkpoint)
      try TunedModelFolder.write(
        run.weights, configuration: run.configuration, base: checkpoint, to: folder.model)
    }
    return result
  }

  // MARK: Training and results

  private func train(
    _ model: TaskModel, _ plan: TrainablePlan
  ) throws(TuningError) -> Finetuner.Outcome {
    try Finetuner(
      folder: folder, model: model, plan: plan,
      train: model.tokenize(
        data.train, maxLength: options.maxLength, compute: compute,
        progress: session.onProgress),
      dev: model.tokenize(
        data, maxLength: options.maxLength, compute: compute, progress: session.onProgress),
      judge: Judge(labels: data.labels, metrics: manifest.metrics), options: options,
      compute: compute, session: session
    ).run()
  }

  private func record(
    _ outcome: Finetuner.Outcome, _ model: TaskModel, _ plan: TrainablePlan,
    _ weights: RunWeights
  ) throws(TuningError) -> RunResult {
    do {
      let result = RunResult(
        outcome, peakMemoryBytes: session.peakMemoryBytes(),
        fingerprint: try Fingerprint.of(weights),
        drift: try plan.gradientChild.map {
          try ChildDrift(of: $0, model.parameters, base: checkpoint.weights)
        })
      let configuration = model.tunedConfiguration
      try RunFolder.write(configuration, to: folder.configuration)
      if session.plots { try plot() }
      if session.savesModel {
        try TunedModelFolder.write(
          weights, configuration: Array(configuration.prettyText.utf8), base: checkpoint,
          to: folder.model)
      }
      try RunFolder.write(.object(result.json), to: folder.metrics)
      return result
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error)
    } catch {
      throw TuningError(.stateInvalid, "\(error)", path: folder.path)
    }
  }

  private func plot() throws(TuningError) {
    try TuningError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: folder.plot, replacesExisting: true)
      try file.write(try RunPlot.read(folder).svg)
      try file.commit()
    }
  }
}
