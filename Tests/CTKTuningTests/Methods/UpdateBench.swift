import CTKModel
import CTKTensor
import CTKTestSupport
import CTKTuning

/// One weight matrix and gradients set by hand, for laws of masks and optimizers.
struct UpdateBench {
  let parameters: ParameterVector
  let plan: TrainablePlan
  let gradient: CompactGradient
  let compute = Compute(threadCount: 2)
  let seed: UInt64 = 11

  init(count: Int, decays: Bool = false) {
    var layout = ParameterLayout()
    let id = layout.add("w", [count], decays ? .matrix : .bias, .layer(0))
    parameters = ParameterVector(layout: layout)
    plan = TrainablePlan(layout: layout, child: [:], dense: [id])
    gradient = CompactGradient(plan: plan, rows: 1, compute: compute)
  }

  /// Consecutive floats of the weights, and of the gradient.
  var weights: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: parameters.mutablePointer(ParameterID(0)), count: plan.count)
  }

  var slopes: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: gradient.values.base, count: plan.count)
  }

  /// The mask of Child-Tuning-F.
  func randomMask(keep: Double) -> GradientMask? {
    var recipe = MethodRecipe()
    recipe.gradientKeep = keep
    return recipe.gradientMask(plan, seed: seed)
  }

  func update(_ number: Int, rate: Float) -> OptimizerUpdate {
    OptimizerUpdate(number: number, learningRate: rate, gradientScale: 1)
  }
}
