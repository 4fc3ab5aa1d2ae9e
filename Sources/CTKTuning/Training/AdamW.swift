import CKernels
package import CTKModel
package import CTKTensor
import Foundation

/// AdamW with decoupled weight decay on the weights that train.
///
/// Moments exist only for the compact vector.
package final class AdamW {
  /// Two ways to write the same update down, which differ in their last digits.
  package enum Form: Sendable {
    /// As `torch.optim.AdamW`: decay first, epsilon beside the corrected root.
    case torch
    /// As the authors' code: epsilon beside the plain root, decay of the moved weight.
    case original
  }

  /// Constants of the optimizer.
  package struct Settings: Sendable, Equatable {
    package var beta1: Float
    package var beta2: Float
    package var epsilon: Float
    package var weightDecay: Float
    package var form = Form.torch

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
  private let firstMoment: FloatBuffer
  private let secondMoment: FloatBuffer
  let plan: TrainablePlan
  private let compute: Compute

  package init(plan: TrainablePlan, settings: Settings, compute: Compute) {
    self.plan = plan
    self.settings = settings
    self.compute = compute
    firstMoment = FloatBuffer(count: plan.count).committed(by: compute)
    secondMoment = FloatBuffer(count: plan.count).committed(by: compute)
  }

  var state: [(name: String, values: FloatBuffer)] {
    [("first_moment", firstMoment), ("second_moment", secondMoment)]
  }

  /// One step on the trainable weights.
  package func step(
    _ parameters: ParameterVector, gradient: CompactGradient, _ update: OptimizerUpdate
  ) {
    for slice in plan.slices {
      move(slice, parameters, gradient, constants(slice, update.of(slice)))
    }
  }

  func move(
    _ slice: TrainablePlan.Slice, _ parameters: ParameterVector, _ gradient: CompactGradient,
    _ constants: ctk_adamw
  ) {
    let (first, second) = (firstMoment.base + slice.start, secondMoment.base + slice.start)
    let weights = parameters.mutablePointer(slice.id)
    let gradient = gradient.values.base + slice.start
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

  /// What a step's decay multiplies a slice's weights by.
  func decayFactor(_ slice: TrainablePlan.Slice, _ update: OptimizerUpdate) -> Float {
    slice.decays ? Float(1 - Double(update.learningRate) * Double(settings.weightDecay)) : 1
  }

  /// - Parameter decays: false when the caller decays the weights itself.
  func constants(
    _ slice: TrainablePlan.Slice, _ update: OptimizerUpdate, decays: Bool = true
  ) -> ctk_adamw {
    let (rate, steps) = (Double(update.learningRate), Double(update.number))
    let firstCorrection = 1 - pow(Double(settings.beta1), steps)
    let rootCorrection = (1 - pow(Double(settings.beta2), steps)).squareRoot()
    let decay = decays ? decayFactor(slice, update) : 1
    var constants = ctk_adamw(
      beta1: settings.beta1, beta2: settings.beta2,
      step_size: Float(rate / firstCorrection),
      inverse_root_correction: Float(1 / rootCorrection),
      epsilon: settings.epsilon, decay_factor: decay, gradient_scale: update.gradientScale)
    if settings.form == .original {
      // lr c2 / c1 m / (sqrt v + eps) = lr / c1 m / (sqrt v / c2 + eps / c2), c2 being the root.
      constants.epsilon = Float(Double(settings.epsilon) / rootCorrection)
      // (w - s) d = w d - s d.
      constants.step_size *= decay
    }
    return constants
  }
}
