package import CTKCore
package import CTKModel
package import CTKTensor

/// Scores a model's weights for a task in any of the ways there are.
package struct MaskScorer {
  private let model: TaskModel
  private let maxLength: Int
  private let activations: KeptActivations
  private let compute: Compute

  package init(
    model: TaskModel, maxLength: Int, keeping activations: KeptActivations = .all,
    compute: Compute
  ) {
    self.model = model
    self.maxLength = maxLength
    self.activations = activations
    self.compute = compute
  }

  /// - Throws: `mask.empty-scope`, `data.empty`, `options.pattern-invalid` and the codes
  ///   of a forward pass.
  package func scores(
    _ score: MaskScore, scope: ParameterScope, data: TaskData,
    _ settings: FisherEstimator.Settings, _ progress: ProgressHandler?
  ) throws(TuningError) -> WeightScores {
    let scored = try scope.parameters(of: model.network.layout)
    if scored.isEmpty {
      throw TuningError(
        .maskEmpty, "the scope selects no tensor",
        hint: "ctk inspect lists the names that a pattern is matched with")
    }
    let builder = MaskBuilder(layout: model.network.layout)
    switch score {
    case .magnitude: return builder.magnitudes(model.parameters, scored: scored)
    case .random: return builder.random(seed: settings.seed, scored: scored)
    case .fisher, .lowestFisher:
      if data.train.isEmpty { throw TuningError(.dataEmpty, "there are no training examples") }
      let estimator = FisherEstimator(
        network: model.network, parameters: model.parameters, keeping: activations, compute: compute
      )
      let accumulator = try TuningError.wrap { () throws(ModelError) in
        try estimator.estimate(
          model.tokenize(data.train, maxLength: maxLength, progress: progress), scored: scored,
          settings: settings, progress: progress)
      }
      return WeightScores(scored: scored, values: accumulator.scores)
    }
  }
}
