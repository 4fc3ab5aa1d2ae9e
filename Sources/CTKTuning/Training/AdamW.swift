import CKernels
package import CTKModel
package import CTKTensor
import Foundation

/// AdamW with decoupled weight decay on the weights that train.
///
/// Update as `torch.optim.AdamW`; moments exist only for the compact vector.
package final class AdamW {
  /// Constants of the optimizer.
  package struct Settings: Sendable, Equatable {
    package var beta1: Float
    package var beta2: Float
    package var epsilon: Float
    package var weightDecay: Float

    package init(
      beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float = 0.01
    ) {
      self.beta1 = beta1
      self.beta2 = beta2
      self.epsilon = epsilon
      self.weightDecay = weightDecay
    }
  }

  package let settings: Settings
  /// [plan.count] each.
  package let firstMoment: FloatBuffer
  package let secondMoment: FloatBuffer
  /// Steps taken.
  package var stepCount = 0
  private let plan: TrainablePlan
  private let compute: Compute

  package init(plan: TrainablePlan, settings: Settings, compute: Compute) {
    self.plan = plan
    self.settings = settings
    self.compute = compute
    firstMoment = FloatBuffer(count: plan.count)
    secondMoment = FloatBuffer(count: plan.count)
  }

  /// One step on the trainable weights.
  ///
  /// - Parameter gradientScale: factor on every gradient, from clipping.
  package func step(
    _ parameters: ParameterVector, gradient: CompactGradient, learningRate: Float,
    gradientScale: Float
  ) {
    stepCount += 1
    for slice in plan.slices {
      update(
        slice, parameters.pointer(slice.id), gradient.values.base + slice.start,
        constants(decays: slice.decays, learningRate: learningRate, gradientScale: gradientScale))
    }
  }

  private func update(
    _ slice: TrainablePlan.Slice, _ weights: UnsafeMutablePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, _ constants: ctk_adamw
  ) {
    let (first, second) = (firstMoment.base + slice.start, secondMoment.base + slice.start)
    let positions = slice.firstPosition.map { plan.positions.base + $0 }
    compute.parallel(slice.count, weight: 8) { part in
      let start = part.lowerBound
      if let positions {
        compute.kernels.adamw_scattered(
          weights, positions + start, gradient + start, first + start, second + start,
          part.count, constants)
      } else {
        compute.kernels.adamw(
          weights + start, gradient + start, first + start, second + start, part.count,
          constants)
      }
    }
  }

  private func constants(
    decays: Bool, learningRate: Float, gradientScale: Float
  ) -> ctk_adamw {
    let (rate, steps) = (Double(learningRate), Double(stepCount))
    let firstCorrection = 1 - pow(Double(settings.beta1), steps)
    let secondCorrection = 1 - pow(Double(settings.beta2), steps)
    return ctk_adamw(
      beta1: settings.beta1, beta2: settings.beta2,
      step_size: Float(rate / firstCorrection),
      inverse_root_correction: Float(1 / secondCorrection.squareRoot()),
      epsilon: settings.epsilon,
      decay_factor: decays ? Float(1 - rate * Double(settings.weightDecay)) : 1,
      gradient_scale: gradientScale)
  }
}
