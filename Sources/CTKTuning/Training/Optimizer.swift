import CKernels
package import CTKModel
package import CTKTensor

/// What an optimizer needs to know of a step besides the gradient.
package struct OptimizerUpdate: Sendable {
  /// The step, counted from 1.
  package let number: Int
  package let learningRate: Float
  /// Factor on every gradient, from clipping.
  package let gradientScale: Float

  package init(number: Int, learningRate: Float, gradientScale: Float) {
    self.number = number
    self.learningRate = learningRate
    self.gradientScale = gradientScale
  }
}

extension OptimizerUpdate {
  /// The same for a slice with a learning rate of its own.
  func of(_ slice: TrainablePlan.Slice) -> OptimizerUpdate {
    OptimizerUpdate(
      number: number, learningRate: learningRate * slice.rateFactor,
      gradientScale: gradientScale)
  }
}

/// The rule by which gradients move the weights.
package enum Optimizer {
  case adamW(AdamW)
  case recAdam(RecAdam)
  case sgd(SGD)

  /// Which rule a run asks for.
  package enum Kind: String, Sendable, CaseIterable {
    case adamW = "adamw"
    case sgd
  }

  package func step(
    _ parameters: ParameterVector, gradient: CompactGradient, _ update: OptimizerUpdate
  ) {
    switch self {
    case .adamW(let rule): rule.step(parameters, gradient: gradient, update)
    case .recAdam(let rule): rule.step(parameters, gradient: gradient, update)
    case .sgd(let rule): rule.step(parameters, gradient: gradient, update)
    }
  }

  /// What a resumed run needs besides the weights, by the names of the state file.
  package var state: [(name: String, values: FloatBuffer)] {
    switch self {
    case .adamW(let rule): rule.state
    case .recAdam(let rule): rule.adam.state
    case .sgd: []
    }
  }
}

/// Plain gradient descent with decoupled weight decay: `w = w (1 - lr wd) - lr g`.
package final class SGD {
  private let plan: TrainablePlan
  private let weightDecay: Float
  private let slices: SliceWeights
  private let compute: Compute

  package init(plan: TrainablePlan, weightDecay: Float, compute: Compute) {
    self.plan = plan
    self.weightDecay = weightDecay
    self.compute = compute
    slices = SliceWeights(plan: plan, compute: compute)
  }

  package func step(
    _ parameters: ParameterVector, gradient: CompactGradient, _ update: OptimizerUpdate
  ) {
    for slice in plan.slices {
      let update = update.of(slice)
      let rate = update.learningRate * update.gradientScale
      let slope = gradient.values.base + slice.start
      let decay = slice.decays ? 1 - update.learningRate * weightDecay : 1
      slices.modify(slice, parameters) { weights in
        compute.parallel(slice.count, weight: 2) { part in
          let first = part.lowerBound
          compute.kernels.sgd(weights + first, slope + first, part.count, rate, decay)
        }
      }
    }
  }
}
