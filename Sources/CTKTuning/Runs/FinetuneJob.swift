package import CTKCheckpoint
package import CTKCore
import CTKModel
import CTKPatch
import CTKSafetensors
package import CTKTensor

/// One run as the command line asks for it: folder, mask, training, results.
package struct FinetuneJob {
  private let folder: RunFolder
  private let checkpoint: Checkpoint
  private let data: TaskData
  private let metrics: [Metric]
  private let options: FinetuneOptions
  private let manifest: RunManifest
  private let compute: Compute

  package init(
    folder: RunFolder, checkpoint: Checkpoint, data: TaskData, metrics: [Metric],
    options: FinetuneOptions, manifest: RunManifest, compute: Compute
  ) {
    self.folder = folder
    self.checkpoint = checkpoint
    self.data = data
    self.metrics = metrics
    self.options = options
    self.manifest = manifest
    self.compute = compute
  }

  /// Makes the run folder, or checks that a resumed one asks for the same.
  ///
  /// - Throws: `output.exists`, `output.cannot-create`, `run.mismatch`, `data.empty`.
  package func prepare(resumes: Bool, replacesExisting: Bool) throws(TuningError) {
    if data.train.isEmpty { throw TuningError(.dataEmpty, "there are no training examples") }
    if data.dev.isEmpty { throw TuningError(.dataEmpty, "there are no evaluation examples") }
    if resumes && Folder.fileExists(folder.manifest) {
      let differences = try RunManifest.read(folder).differences(from: manifest)
      if !differences.isEmpty {
        throw TuningError(
          .runMismatch,
          "the run was started with other settings: \(differences.joined(separator: ", "))",
          path: folder.path, hint: "repeat the first command and add --resume")
      }
      return
    }
    if replacesExisting { Folder.removeTree(folder.path) }
    try TuningError.wrap { () throws(CoreError) in
      try Folder.create(folder.path)
      try write(manifest.json, to: folder.manifest)
    }
  }

  /// Trains, evaluates and records; a finished run is only read.
  ///
  /// - Parameter maskPath: a mask to train instead of a new one.
  /// - Returns: the fields of `ctk finetune --json`.
  package func run(
    maskPath: String?, savesModel: Bool, _ progress: ProgressHandler?,
    _ onEvent: @escaping (JSONValue) -> Void
  ) throws(TuningError) -> JSONObject {
    if folder.isComplete {
      let stored = try TuningError.wrap { () throws(CoreError) in
        try JSONParser.parseFile(folder.metrics)
      }
      return stored.objectValue ?? JSONObject()
    }
    let model = try TaskModel.load(checkpoint, labels: data.labels, seed: options.seed)
    let mask = try self.mask(model, at: maskPath, progress)
    let plan = try TrainablePlan.of(
      model.network.layout, method: options.method, mask: mask, dense: options.dense,
      initialized: model.initialized)
    let outcome = try train(model, plan, progress, onEvent)
    let weights = try RunWeights(
      base: checkpoint.weights, parameters: model.parameters, plan: plan)
    return try record(outcome, model, weights, savesModel: savesModel)
  }

  private func train(
    _ model: TaskModel, _ plan: TrainablePlan, _ progress: ProgressHandler?,
    _ onEvent: @escaping (JSONValue) -> Void
  ) throws(TuningError) -> Finetuner.Outcome {
    try Finetuner(
      folder: folder, model: model, plan: plan,
      train: model.tokenize(data.train, maxLength: options.maxLength),
      dev: model.tokenize(data.dev, maxLength: options.maxLength), metrics: metrics,
      options: options, compute: compute, resumes: true, onProgress: progress, onEvent: onEvent
    ).run()
  }

  // MARK: Mask

  /// The run's mask: the one it has, the one given, or a new one; nil for vanilla.
  private func mask(
    _ model: TaskModel, at path: String?, _ progress: ProgressHandler?
  ) throws(TuningError) -> ParameterMask? {
    if options.method == .vanilla { return nil }
    let known = Folder.fileExists(folder.mask) ? folder.mask : path
    if let known {
      let mask = try TuningError.wrap { () throws(PatchError) in try ParameterMask(path: known) }
      guard mask.baseFingerprint == manifest.baseFingerprint else {
        throw TuningError(
          .maskWrongBase, "the mask was made for another base", path: known,
          hint: "make a mask for this base with ctk mask")
      }
      if known != folder.mask { try save(mask) }
      return mask
    }
    let mask = try newMask(model, progress)
    try save(mask)
    return mask
  }

  private func newMask(
    _ model: TaskModel, _ progress: ProgressHandler?
  ) throws(TuningError) -> ParameterMask {
    var settings = FisherEstimator.Settings()
    settings.granularity = options.granularity
    settings.usesDropout = options.fisherUsesDropout
    settings.batchSize = options.batchSize
    settings.seed = options.seed
    let scorer = MaskScorer(model: model, maxLength: options.maxLength, compute: compute)
    let scores = try scorer.scores(
      .fisher, scope: ParameterScope(options.scope), data: data, settings, progress)
    return try MaskBuilder(layout: model.network.layout).mask(
      scores, keep: options.keep, score: .fisher, baseFingerprint: manifest.baseFingerprint,
      provenance: Provenance(task: manifest.task, method: options.method.rawValue))
  }

  private func save(_ mask: ParameterMask) throws(TuningError) {
    try TuningError.wrap { () throws(PatchError) in
      try mask.write(to: folder.mask, replacesExisting: true)
    }
  }

  // MARK: Results

  private func record(
    _ outcome: Finetuner.Outcome, _ model: TaskModel, _ weights: RunWeights, savesModel: Bool
  ) throws(TuningError) -> JSONObject {
    do {
      let fingerprint = try Fingerprint.of(weights)
      try write(model.tunedConfiguration, to: folder.configuration)
      if savesModel { try saveModel(model, weights) }
      var values = JSONObject()
      for result in outcome.metrics { values[result.metric.rawValue] = .real(result.value) }
      let fields = JSONObject([
        "metrics": .object(values), "steps": .integer(outcome.steps),
        "seconds": .real(outcome.seconds), "tokens_per_second": .real(outcome.tokensPerSecond),
        "median_step_seconds": .real(outcome.medianStepSeconds),
        "fingerprint": .string(fingerprint.hex),
      ])
      try write(.object(fields), to: folder.metrics)
      return fields
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error)
    } catch {
      throw TuningError(.stateInvalid, "\(error)", path: folder.path)
    }
  }

  private func saveModel(_ model: TaskModel, _ weights: RunWeights) throws {
    let target = try AtomicFolder(path: folder.model, replacesExisting: true)
    var writer = try SafetensorsWriter(
      path: target.path(of: "model.safetensors"), tensors: weights.tensors,
      metadata: ["format": "pt"], replacesExisting: false)
    for info in writer.order {
      try weights.withTensorBytes(info.name) { try writer.write($0) }
    }
    try writer.commit()
    try write(model.tunedConfiguration, to: target.path(of: "config.json"))
    for name in checkpoint.tokenizerFiles {
      var file = try AtomicFile(path: target.path(of: name))
      try file.write(readSmallFile(checkpoint.path + "/" + name))
      try file.commit()
    }
    try target.commit()
  }

  private func write(_ json: JSONValue, to path: String) throws(CoreError) {
    var file = try AtomicFile(path: path, replacesExisting: true)
    try file.write(json.prettyText)
    try file.commit()
  }
}
