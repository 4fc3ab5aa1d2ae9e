package import CTKCore

/// How a run moves the weights.
package enum FinetuneMethod: String, Sendable, CaseIterable {
  /// Child-Tuning-D: a fixed child chosen by Fisher information.
  case childD = "child-d"
  /// Every weight trains.
  case vanilla

  /// The peak learning rate that serves the method when none is given.
  ///
  /// A child of a tenth of the weights needs larger steps: at vanilla's rate it
  /// stays short of what it reaches at four times that (docs/benchmarks).
  package var defaultLearningRate: Double { self == .childD ? 2e-4 : 5e-5 }
}

/// Everything that decides a run's outcome, as its manifest records it.
package struct FinetuneOptions: Sendable, Equatable {
  package var method = FinetuneMethod.childD
  package var keep = 0.1
  package var scope = "encoder"
  package var granularity = FisherGranularity.example
  package var fisherUsesDropout = false
  /// Regular expression over the tensors that train whole besides the child.
  package var dense = FinetuneOptions.defaultDense
  package var epochs = 3
  package var batchSize = 16
  package var learningRate: Double?
  package var warmup = 0.1
  package var weightDecay = 0.01
  package var clippingNorm = 1.0
  package var maxLength = 128
  package var seed: UInt64 = 42

  /// The task head and the pooler or summary before it, which are the task's own, by the
  /// names they have in any family.
  package static let defaultDense =
    #"(classifier|pooler|sequence_summary|logits_proj)\."#

  package init() {}

  package var peakLearningRate: Double { learningRate ?? method.defaultLearningRate }

  /// How the child is chosen when no mask is given.
  package var maskRecipe: MaskRecipe {
    var recipe = MaskRecipe()
    recipe.keep = keep
    recipe.scope = scope
    recipe.fisher.granularity = granularity
    recipe.fisher.usesDropout = fisherUsesDropout
    recipe.fisher.batchSize = batchSize
    recipe.fisher.seed = seed
    return recipe
  }

  /// - Throws: `options.invalid`, `options.pattern-invalid`, `mask.keep-invalid`.
  package func validate() throws(TuningError) {
    try maskRecipe.validate()
    let rules: [(Bool, String)] = [
      (epochs > 0, "--epochs must be at least 1"),
      (batchSize > 0, "--batch-size must be at least 1"),
      (maxLength >= 8, "--max-length must be at least 8"),
      (peakLearningRate > 0 && peakLearningRate.isFinite, "--learning-rate must be positive"),
      (warmup >= 0 && warmup < 1, "--warmup must be at least 0 and below 1"),
      (weightDecay >= 0 && weightDecay < 1, "--weight-decay must be at least 0 and below 1"),
      (clippingNorm > 0, "--clip must be positive"),
    ]
    if let broken = rules.first(where: { !$0.0 }) { throw TuningError(.optionInvalid, broken.1) }
    _ = try NamePatternMatcher(dense)
  }

  package var json: JSONObject {
    JSONObject([
      "batch_size": .integer(batchSize),
      "clipping_norm": .real(clippingNorm),
      "dense": .string(dense),
      "epochs": .integer(epochs),
      "fisher": .string(granularity.rawValue),
      "fisher_dropout": .bool(fisherUsesDropout),
      "keep": .real(keep),
      "learning_rate": .real(peakLearningRate),
      "max_length": .integer(maxLength),
      "method": .string(method.rawValue),
      "profile": "paper",
      "scope": .string(scope),
      "seed": .string(String(seed)),
      "warmup": .real(warmup),
      "weight_decay": .real(weightDecay),
    ])
  }
}
