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
    /// Largest L2 norm of the gradient over everything that trains.
    package var clippingNorm = 1.0
    package var seed: UInt64
    package var usesDropout = true

    package init(schedule: LearningRateSchedule, seed: UInt64) {
      self.schedule = schedule
      self.seed = seed
    }
  }

  /// What one step saw.
  package struct StepReport: Sendable {
    /// Steps taken so far, this one included.
    package let step: Int
    /// Mean loss of the batch before the step.
    package let loss: Double
    package let learningRate: Double
    package let gradientNorm: Double
    package let tokens: Int
    package let seconds: Double
  }

  package let network: SequenceClassifier
  package let parameters: ParameterVector
  package let plan: TrainablePlan
  package let settings: Settings
  package let optimizer: AdamW
  private let gradient: CompactGradient
  private let workspace: Workspace

  /// - Parameters:
  ///   - limits: of the largest batch to come.
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
    optimizer = AdamW(plan: plan, settings: settings.optimizer, compute: compute)
    gradient = CompactGradient(
      plan: plan, rows: network.productRows(limits), compute: compute)
    workspace = network.workspace(limits, compute: compute, keeping: activations)
  }

  /// Steps taken so far.
  package var stepCount: Int { optimizer.stepCount }

  /// Forward, backward, clip, update.
  package func step(_ batch: PackedBatch, targets: Targets) -> StepReport {
    let start = DispatchTime.now().uptimeNanoseconds
    let number = optimizer.stepCount
    let dropout =
      settings.usesDropout ? DropoutStream(seed: settings.seed, step: UInt64(number)) : nil
    let pass = network.forward(batch, dropout: dropout, parameters, workspace)
    let losses = Loss.gradient(
      of: pass.logits, targets: targets, weight: 1 / Float(max(1, targets.labelledCount)))
    network.backward(
      pass, logitGradient: pass.logits, batch: batch, sink: gradient, parameters, workspace)
    let norm = gradient.norm
    let rate = settings.schedule.rate(at: number)
    optimizer.step(
      parameters, gradient: gradient, learningRate: Float(rate),
      gradientScale: Float(min(1, settings.clippingNorm / (norm + 1e-6))))
    return StepReport(
      step: number + 1, loss: losses.reduce(0, +) / Double(max(1, targets.labelledCount)),
      learningRate: rate,
      gradientNorm: norm, tokens: batch.tokenCount,
      seconds: Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
  }
}
