import CTKCore
import CTKModel
package import CTKTensor
import Dispatch

/// A fine-tuning run from its data to its final metrics, resumable at any moment.
package final class Finetuner {
  /// How a run ended.
  package struct Outcome: Sendable {
    package let metrics: [MetricResult]
    package let steps: Int
    /// Training time without evaluation, of this and earlier sessions of the run.
    package let seconds: Double
    /// Real tokens over training seconds.
    package let tokensPerSecond: Double
    package let medianStepSeconds: Double
  }

  private let folder: RunFolder
  private let model: TaskModel
  private let judge: Judge
  private let options: FinetuneOptions
  private let compute: Compute
  private let train: TokenizedDataset
  private let dev: [EvaluationData]
  private let trainer: Trainer
  private let order: EpochOrder
  private let planDigest: Digest
  private let log: RunLog
  private let session: FinetuneSession
  private var clock: RunClock

  /// Continues from the folder's saved state where there is one.
  ///
  /// - Parameter plan: which weights train.
  /// - Throws: `run.state-invalid` when the saved state is not of this run.
  package init(
    folder: RunFolder, model: TaskModel, plan: TrainablePlan, train: TokenizedDataset,
    dev: [EvaluationData], judge: Judge, options: FinetuneOptions, compute: Compute,
    session: FinetuneSession
  ) throws(TuningError) {
    self.folder = folder
    self.model = model
    self.judge = judge
    self.options = options
    self.compute = compute
    self.train = train
    self.dev = dev
    self.session = session
    order = EpochOrder(
      exampleCount: train.count, batchSize: options.batchSize, seed: options.seed)
    trainer = Trainer(
      network: model.network, parameters: model.parameters, plan: plan,
      settings: Self.settings(options, steps: order.stepCount * options.epochs),
      limits: train.limits(batchSize: options.batchSize), keeping: session.activations,
      compute: compute)
    planDigest = plan.digest
    if Folder.fileExists(folder.state) {
      try RunState.restore(
        trainer, planDigest: planDigest, totalSteps: order.stepCount * options.epochs,
        from: folder.state)
    }
    log = try RunLog(path: folder.log, keepingThrough: trainer.stepCount)
    clock = RunClock(events: log.keptEvents)
  }

  private static func settings(_ options: FinetuneOptions, steps: Int) -> Trainer.Settings {
    var settings = Trainer.Settings(
      schedule: LearningRateSchedule(
        peak: options.peakLearningRate, totalSteps: steps, warmupRatio: options.resolvedWarmup),
      seed: options.seed)
    settings.optimizer = AdamW.Settings(weightDecay: Float(options.resolvedWeightDecay))
    settings.optimizer.form = options.profile.adamForm
    settings.rule = options.optimizer
    settings.clippingNorm = options.clippingNorm
    settings.recipe = MethodRecipe(options.method, options.settings)
    // Mixout is dropout towards the pretrained weights, and takes the place of the other.
    settings.usesDropout = !options.method.contains(.mixout)
    return settings
  }

  /// Trains to the end, saving often enough that a kill loses little.
  ///
  /// - Throws: `tuning.not-finite` when the loss diverges, and write errors.
  package func run() throws(TuningError) -> Outcome {
    var results: [MetricResult] = []
    for epoch in trainer.stepCount / order.stepCount..<options.epochs {
      try runEpoch(epoch)
      results = try evaluate(epoch: epoch)
      let isLast = epoch + 1 == options.epochs
      try save(keepsMoments: !isLast)
      if !isLast && session.shouldStop() { try stop() }
    }
    if results.isEmpty { results = try evaluate(epoch: options.epochs - 1) }
    return Outcome(
      metrics: results, steps: trainer.stepCount, seconds: clock.seconds,
      tokensPerSecond: clock.tokensPerSecond, medianStepSeconds: clock.medianStepSeconds)
  }

  private func runEpoch(_ epoch: Int) throws(TuningError) {
    let permutation = order.permutation(epoch: epoch)
    var lastSave = DispatchTime.now().uptimeNanoseconds
    for step in trainer.stepCount - epoch * order.stepCount..<order.stepCount {
      let examples = order.examples(step: step, of: permutation)
      let report = trainer.step(train.batch(examples), targets: train.targets(examples))
      guard report.loss.isFinite, report.gradientNorm.isFinite else {
        throw TuningError(
          .notFinite, "the loss is not finite at step \(report.step)",
          hint: "lower --learning-rate; the run folder keeps the last sound state")
      }
      note(report, epoch: epoch)
      // The end of an epoch is saved after its evaluation.
      if step + 1 == order.stepCount { return }
      if session.shouldStop() { try stop() }
      let now = DispatchTime.now().uptimeNanoseconds
      if Double(now - lastSave) / 1e9 >= session.saveInterval {
        try save(keepsMoments: true)
        lastSave = now
      }
    }
  }

  /// Saves the run and ends the session.
  private func stop() throws(TuningError) -> Never {
    try save(keepsMoments: true)
    throw TuningError(
      .interrupted, "the run was stopped after step \(trainer.stepCount) and saved",
      path: folder.path, hint: "go on with the same command and --resume")
  }

  private func note(_ report: Trainer.StepReport, epoch: Int) {
    clock.add(report)
    let event: JSONValue = [
      "event": "step", "step": .integer(report.step), "epoch": .integer(epoch + 1),
      "loss": .real(report.loss), "learning_rate": .real(report.learningRate),
      "gradient_norm": .real(report.gradientNorm), "tokens": .integer(report.tokens),
      "seconds": .real(report.seconds),
    ]
    log.append(event)
    session.onEvent?(event)
    session.onProgress?(
      ProgressEvent(
        stage: "epoch \(epoch + 1)/\(options.epochs)", completed: report.step,
        total: order.stepCount * options.epochs, unit: "steps",
        details: [
          ("loss", Self.fixed(clock.smoothedLoss, digits: 4)),
          ("tokens/s", Self.fixed(clock.recentTokensPerSecond, digits: 0)),
        ]))
  }

  private func evaluate(epoch: Int) throws(TuningError) -> [MetricResult] {
    let evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: compute)
    var results: [MetricResult] = []
    for set in dev {
      let logits = try TuningError.wrap { () throws(ModelError) in
        try evaluator.logits(of: set.data, progress: session.onProgress)
      }
      results += judge.results(logits: logits, of: set.data, set: set.name)
    }
    var values = JSONObject()
    for result in results { values[result.name] = .real(result.value) }
    let event: JSONValue = [
      "event": "epoch", "step": .integer(trainer.stepCount), "epoch": .integer(epoch + 1),
      "metrics": .object(values),
    ]
    log.append(event)
    session.onEvent?(event)
    return results
  }

  private func save(keepsMoments: Bool) throws(TuningError) {
    try log.flush()
    try RunState.save(
      trainer, planDigest: planDigest, keepsMoments: keepsMoments, to: folder.state)
  }

  private static func fixed(_ value: Double, digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
    let rounded = (value * scale).rounded() / scale
    return digits == 0 ? String(Int(rounded)) : String(rounded)
  }
}
