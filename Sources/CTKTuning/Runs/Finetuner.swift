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
  private let options: FinetuneOptions
  private let train: TokenizedDataset
  private let evaluation: RunEvaluation
  private let trainer: Trainer
  private let order: EpochOrder
  private let planDigest: Digest
  private let log: RunLog
  private let session: FinetuneSession
  private var clock: RunClock
  private var history: EvaluationHistory
  private var isComplete = false
  private var permutation: (epoch: Int, examples: [Int])?
  private var lastSave = DispatchTime.now().uptimeNanoseconds

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
    self.options = options
    self.train = train
    self.session = session
    evaluation = RunEvaluation(
      model: model, plan: plan, sets: dev, judge: judge, compute: compute)
    order = EpochOrder(
      exampleCount: train.count, batchSize: options.batchSize,
      accumulation: options.loop.accumulation, seed: options.seed)
    let targets = train.targets
    trainer = Trainer(
      network: model.network, parameters: model.parameters, plan: plan,
      settings: Self.settings(
        options, steps: order.stepCount * options.epochs,
        options.loop.lossRule(targets, classCount: model.labels.count)),
      limits: train.limits(of: order, epochs: options.epochs), keeping: session.activations,
      compute: compute)
    planDigest = plan.digest
    if Folder.fileExists(folder.state) {
      isComplete = try RunState.restore(
        trainer, planDigest: planDigest, totalSteps: order.stepCount * options.epochs,
        from: folder.state)
    }
    log = try RunLog(path: folder.log, keepingThrough: trainer.stepCount)
    clock = RunClock(events: log.keptEvents)
    history = EvaluationHistory(options.loop, events: log.keptEvents)
  }

  private static func settings(
    _ options: FinetuneOptions, steps: Int, _ lossRule: LossRule
  ) -> Trainer.Settings {
    var settings = Trainer.Settings(
      schedule: LearningRateSchedule(
        peak: options.peakLearningRate, totalSteps: steps, warmupRatio: options.resolvedWarmup,
        shape: options.loop.schedule),
      seed: options.seed)
    settings.optimizer = AdamW.Settings(weightDecay: Float(options.resolvedWeightDecay))
    settings.optimizer.form = options.profile.adamForm
    settings.rule = options.optimizer
    settings.clippingNorm = options.clippingNorm
    settings.recipe = MethodRecipe(options.method, options.settings)
    settings.lossRule = lossRule
    settings.accumulation = options.loop.accumulation
    // Mixout is dropout towards the pretrained weights, and takes the place of the other.
    settings.usesDropout = !options.method.contains(.mixout)
    return settings
  }

  private var totalSteps: Int { order.stepCount * options.epochs }

  /// Trains to the end, saving often enough that a kill loses little.
  ///
  /// - Throws: `tuning.not-finite` when the loss diverges, and write errors.
  package func run() throws(TuningError) -> Outcome {
    while !isComplete && trainer.stepCount < totalSteps && !history.isExhausted {
      try step()
      let ends = trainer.stepCount == totalSteps
      if ends || isEvaluationDue { try evaluate() }
      if ends || history.isExhausted { break }
      try saveWhenDue()
      if session.shouldStop() { try stop() }
    }
    // A run that is finished once more, without its log, has no evaluation left.
    if history.bestStep == nil { try evaluate() }
    if !isComplete { try complete() }
    return Outcome(
      metrics: options.loop.keeps == .best ? history.bestResults : history.lastResults,
      steps: trainer.stepCount, seconds: clock.seconds,
      tokensPerSecond: clock.tokensPerSecond, medianStepSeconds: clock.medianStepSeconds)
  }

  // MARK: Steps

  private func step() throws(TuningError) {
    let (epoch, number) = trainer.stepCount.quotientAndRemainder(dividingBy: order.stepCount)
    if permutation?.epoch != epoch { permutation = (epoch, order.permutation(epoch: epoch)) }
    let batches = order.batches(step: number, of: permutation?.examples ?? [])
    let report = trainer.step(
      batches.map { TrainingBatch(batch: train.batch($0), targets: train.targets($0)) })
    guard report.loss.isFinite, report.gradientNorm.isFinite else {
      throw TuningError(
        .notFinite, "the loss is not finite at step \(report.step)",
        hint: "lower --learning-rate; the run folder keeps the last sound state")
    }
    clock.add(report)
    emit(RunEvent.step(report, epoch: epoch))
    session.onProgress?(
      RunEvent.progress(
        report, epoch: epoch, of: options.epochs, totalSteps: totalSteps, clock: clock))
  }

  // MARK: Evaluation

  private var isEvaluationDue: Bool {
    trainer.stepCount % (options.loop.evaluationInterval ?? order.stepCount) == 0
  }

  private func evaluate() throws(TuningError) {
    let results = try evaluation.results(session.onProgress)
    let isBest = history.add(results, step: trainer.stepCount)
    if isBest && options.loop.keeps == .best && !isComplete {
      try RunState.save(trainer, planDigest: planDigest, for: .weights, to: folder.best)
    }
    let epoch = (trainer.stepCount - 1) / order.stepCount
    emit(RunEvent.evaluation(results, step: trainer.stepCount, epoch: epoch))
    lastSave = 0
  }

  // MARK: Saving

  /// Saves behind every evaluation, and after the session's interval.
  private func saveWhenDue() throws(TuningError) {
    let now = DispatchTime.now().uptimeNanoseconds
    if lastSave == 0 || Double(now - lastSave) / 1e9 >= session.saveInterval {
      try save(for: .resuming)
    }
  }

  private func save(for purpose: RunState.Purpose) throws(TuningError) {
    try log.flush()
    try RunState.save(trainer, planDigest: planDigest, for: purpose, to: folder.state)
    lastSave = DispatchTime.now().uptimeNanoseconds
  }

  /// Saves the run and ends the session.
  private func stop() throws(TuningError) -> Never {
    try save(for: .resuming)
    throw TuningError(
      .interrupted, "the run was stopped after step \(trainer.stepCount) and saved",
      path: folder.path, hint: "go on with the same command and --resume")
  }

  /// Saves the weights that the run ends with.
  private func complete() throws(TuningError) {
    if options.loop.keeps == .best, let best = history.bestStep, best != trainer.stepCount {
      try RunState.restoreWeights(
        trainer.parameters, plan: trainer.plan, planDigest: planDigest, step: best,
        from: folder.best)
    }
    try save(for: .completion)
    Folder.removeTree(folder.best)
  }

  private func emit(_ event: JSONValue) {
    log.append(event)
    session.onEvent?(event)
  }
}
