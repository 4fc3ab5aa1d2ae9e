import CKernels
import CTKCore
package import CTKModel
package import CTKTensor
import Dispatch

/// The steps of a fine-tuning run: whole network forward, only what trains moves.
package final class Trainer {
  package struct Settings: Sendable, Equatable {
    package var schedule: LearningRateSchedule
    package var optimizer = AdamW.Settings()
    package var rule = Optimizer.Kind.adamW
    /// Largest L2 norm of the gradient over everything that trains.
    package var clippingNorm = 1.0
    package var seed: UInt64
    package var usesDropout = true
    package var recipe = MethodRecipe()
    package var lossRule = LossRule()
    /// Most batches whose gradients are added up for one step.
    package var accumulation = 1

    package init(schedule: LearningRateSchedule, seed: UInt64) {
      self.schedule = schedule
      self.seed = seed
    }
  }

  /// What one step saw.
  package struct StepReport: Sendable {
    /// Steps taken so far, this one included.
    package let step: Int
    /// Mean of the task's loss over the batch before the step, without a method's penalties.
    package let loss: Double
    package let learningRate: Double
    /// Of everything that trains, before clipping and masking.
    package let gradientNorm: Double
    package let tokens: Int
    package let seconds: Double
  }

  package let network: SequenceClassifier
  package let parameters: ParameterVector
  package let plan: TrainablePlan
  package let settings: Settings
  package let optimizer: Optimizer
  /// Steps taken so far.
  package var stepCount = 0
  private let gradient: CompactGradient
  /// Sum over the batches of a step but the last; nil for steps of one batch.
  private let accumulated: FloatBuffer?
  private let gradientMask: GradientMask?
  private let pretrained: PretrainedWeights?
  private let mixout: Mixout?
  /// The batch of a pass twice, for R3F.
  private var doubledBatch = PackedBatch()
  private let workspace: Workspace
  private let compute: Compute

  /// - Parameters:
  ///   - parameters: at the values that the run starts from.
  ///   - limits: of the largest batch to come; memory for it is committed at once.
  ///   - activations: what forward keeps for backward; no result depends on it.
  package init(
    network: SequenceClassifier, parameters: ParameterVector, plan: TrainablePlan,
    settings: Settings, limits: BatchLimits, keeping activations: KeptActivations = .all,
    compute: Compute
  ) {
    self.network = network
    self.parameters = parameters
    self.plan = plan
    self.settings = settings
    self.compute = compute
    plan.makeWritable(in: parameters, by: compute)
    let recipe = settings.recipe
    let pretrained =
      recipe.needsPretrained
      ? PretrainedWeights(plan: plan, parameters: parameters, compute: compute) : nil
    self.pretrained = pretrained
    optimizer = Self.optimizer(plan, settings, pretrained, compute)
    gradientMask = recipe.gradientMask(plan, seed: settings.seed)
    mixout = pretrained.flatMap { pretrained in
      recipe.mixout.map {
        Mixout(
          plan: plan, pretrained: pretrained, probability: $0, seed: settings.seed,
          compute: compute)
      }
    }
    let limits = recipe.r3f == nil ? limits : limits.doubled
    gradient = CompactGradient(
      plan: plan, rows: network.productRows(limits), compute: compute)
    accumulated = settings.accumulation > 1 ? FloatBuffer(count: plan.count) : nil
    workspace = network.workspace(
      limits, compute: compute, isCommitted: true, keeping: activations)
  }

  private static func optimizer(
    _ plan: TrainablePlan, _ settings: Settings, _ pretrained: PretrainedWeights?,
    _ compute: Compute
  ) -> Optimizer {
    switch settings.rule {
    case .sgd:
      return .sgd(
        SGD(plan: plan, weightDecay: settings.optimizer.weightDecay, compute: compute))
    case .adamW:
      let adam = AdamW(plan: plan, settings: settings.optimizer, compute: compute)
      guard let recAdam = settings.recipe.recAdam, let pretrained else { return .adamW(adam) }
      return .recAdam(RecAdam(adam: adam, settings: recAdam, pretrained: pretrained))
    }
  }

  /// A step on one batch.
  package func step(_ batch: PackedBatch, targets: Targets) -> StepReport {
    withUnsafePointer(to: TrainingBatch(batch: batch, targets: targets)) {
      step(UnsafeBufferPointer(start: $0, count: 1))
    }
  }

  /// Forward, backward, clip, mask, update; the gradient is that of the batches as one.
  package func step(_ batches: [TrainingBatch]) -> StepReport {
    batches.withUnsafeBufferPointer { step($0) }
  }

  private func step(_ batches: UnsafeBufferPointer<TrainingBatch>) -> StepReport {
    precondition((1...settings.accumulation).contains(batches.count))
    let start = DispatchTime.now().uptimeNanoseconds
    let mass = batches.reduce(0) { $0 + settings.lossRule.mass(of: $1.targets) }
    let rows = batches.reduce(0) { $0 + $1.targets.labelledCount }
    // Without a labelled row, or with weights of 0 alone, there is neither loss nor gradient.
    let scale = (
      loss: mass > 0 ? Float(1 / mass) : 0, row: rows > 0 ? 1 / Float(rows) : 0
    )
    var total = 0.0
    for (number, batch) in batches.enumerated() {
      total += backpropagate(batch, pass: stepCount * settings.accumulation + number, scale)
      accumulate(number, of: batches.count)
    }
    let loss = mass > 0 ? total / mass : 0
    if let pull = settings.recipe.pull, let pretrained {
      pretrained.addPull(Float(2 * pull), at: parameters, to: gradient.values)
    }
    let norm = gradient.norm
    gradientMask?.apply(to: gradient, step: stepCount, compute)
    let rate = settings.schedule.rate(at: stepCount)
    stepCount += 1
    optimizer.step(
      parameters, gradient: gradient,
      OptimizerUpdate(
        number: stepCount, learningRate: Float(rate),
        gradientScale: Float(min(1, settings.clippingNorm / (norm + 1e-6)))))
    return StepReport(
      step: stepCount, loss: loss, learningRate: rate, gradientNorm: norm,
      tokens: batches.reduce(0) { $0 + $1.batch.tokenCount },
      seconds: Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
  }

  /// Adds up the gradients of a step's batches, and leaves the sum where the last one is.
  private func accumulate(_ number: Int, of count: Int) {
    guard let accumulated, count > 1 else { return }
    compute.parallel(plan.count, weight: 1) { part in
      let (sum, values) = (
        accumulated.base + part.lowerBound, gradient.values.base + part.lowerBound
      )
      if number == 0 {
        sum.update(from: values, count: part.count)
      } else if number + 1 < count {
        compute.kernels.add(values, sum, part.count)
      } else {
        compute.kernels.add(sum, values, part.count)
      }
    }
  }

  /// Forms a batch's part of the gradient and returns the sum of the task's losses.
  ///
  /// - Parameter pass: number of the pass, which random draws depend on.
  private func backpropagate(
    _ training: TrainingBatch, pass: Int, _ scale: (loss: Float, row: Float)
  ) -> Double {
    let (batch, targets, rule) = (training.batch, training.targets, settings.lossRule)
    mixout?.mix(parameters, pass: pass)
    let dropout =
      settings.usesDropout ? DropoutStream(seed: settings.seed, step: UInt64(pass)) : nil
    let loss: Double
    if let r3f = settings.recipe.r3f {
      let noise = r3f.noise(after: batch, seed: settings.seed, step: pass)
      doubledBatch.double(batch)
      loss = backpropagate(doubledBatch, dropout, noise: noise) {
        r3f.gradient(of: $0, targets: targets, rule: rule, scale: scale, workspace.arena)
      }
    } else {
      loss = backpropagate(batch, dropout, noise: nil) {
        Loss.gradient(of: $0, targets: targets, weight: scale.loss, rule: rule)
      }
    }
    mixout?.restore(parameters, gradient: gradient.values, pass: pass)
    return loss
  }

  /// - Parameter loss: turns logits into their gradient and returns the sum of the losses.
  private func backpropagate(
    _ batch: PackedBatch, _ dropout: DropoutStream?, noise: EmbeddingNoise?,
    _ loss: (Matrix) -> Double
  ) -> Double {
    let pass = network.forward(batch, dropout: dropout, noise: noise, parameters, workspace)
    let sum = loss(pass.logits)
    network.backward(
      pass, logitGradient: pass.logits, batch: batch, sink: gradient, parameters, workspace)
    return sum
  }
}
