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

  /// - Parameter examples: to score with; only Fisher information needs them.
  /// - Parameter tuned: the weights that `change` compares with.
  /// - Throws: `mask.empty-scope`, `data.empty`, `options.pattern-invalid`, `options.invalid`
  ///   for `change` without tuned weights, and the codes of a forward pass.
  package func scores(
    _ recipe: MaskRecipe, examples: [Example], tuned: (any TensorSource)? = nil,
    _ progress: ProgressHandler?
  ) throws(TuningError) -> WeightScores {
    let scored = try recipe.scored(of: model.network.layout)
    let simple = SimpleScores(layout: model.network.layout, scored: scored)
    switch recipe.score {
    case .magnitude: return simple.magnitudes(model.parameters)
    case .random: return simple.random(seed: recipe.fisher.seed)
    case .change:
      guard let tuned else {
        throw TuningError(
          .optionInvalid, "a score by change needs the tuned model",
          hint: "name it with --tuned")
      }
      return try simple.changes(model.parameters, tuned: tuned)
    case .fisher, .lowestFisher:
      if examples.isEmpty { throw TuningError(.dataEmpty, "there are no training examples") }
      let estimator = FisherEstimator(
        network: model.network, parameters: model.parameters, keeping: activations, compute: compute
      )
      let accumulator = try TuningError.wrap { () throws(ModelError) in
        try estimator.estimate(
          model.tokenize(
            examples, maxLength: maxLength, compute: compute, progress: progress),
          scored: scored, settings: recipe.fisher, progress: progress)
      }
      return WeightScores(scored: scored, values: accumulator.scores)
    }
  }
}
