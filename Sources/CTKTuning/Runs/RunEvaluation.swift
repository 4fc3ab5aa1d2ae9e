import CTKCheckpoint
import CTKCore
import CTKModel
import CTKTensor

/// The evaluations of a run on all of its task's sets.
struct RunEvaluation {
  private let evaluator: Evaluator
  private let parameters: ParameterVector
  private let precision: StoredPrecision
  private let sets: [EvaluationData]
  private let judge: Judge

  init(
    model: TaskModel, plan: TrainablePlan, sets: [EvaluationData], judge: Judge, compute: Compute
  ) {
    evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: compute)
    parameters = model.parameters
    precision = StoredPrecision(plan: plan, base: model.checkpoint.weights)
    self.sets = sets
    self.judge = judge
  }

  /// The metrics of the weights as they would be stored now.
  func results(_ progress: ProgressHandler?) throws(TuningError) -> [MetricResult] {
    try precision.withRounded(parameters) { () throws(TuningError) in
      var results: [MetricResult] = []
      for set in sets {
        let logits = try TuningError.wrap { () throws(ModelError) in
          try evaluator.logits(of: set.data, progress: progress)
        }
        results += judge.results(logits: logits, of: set.data, set: set.name)
      }
      return results
    }
  }
}
