package import CTKCore

/// Everything that decides a run's outcome, as its manifest records it.
package struct FinetuneOptions: Sendable, Equatable {
  package var method = TuningMethod.childD
  package var profile = TuningProfile.paper
  package var settings = MethodSettings()
  package var optimizer = Optimizer.Kind.adamW
  package var loop = LoopOptions()
  /// Weights that may be in the child; nil takes the profile's.
  package var scope: String?
  /// Regular expression over the tensors that train whole besides the child; nil takes the
  /// task's own.
  package var dense: String?
  package var epochs = 3
  package var batchSize = 16
  package var learningRate: Double?
  /// Share of the steps; nil takes the profile's.
  package var warmup: Double?
  /// Towards zero; nil takes the method's.
  package var weightDecay: Double?
  package var clippingNorm = 1.0
  package var maxLength = 128
  package var seed: UInt64 = 42

  /// The task head and the pooler or summary before it, which are the task's own, by the
  /// names they have in any family.
  package static let defaultDense =
    #"(classifier|pooler|sequence_summary|logits_proj)\."#

  package init() {}

  package var peakLearningRate: Double { learningRate ?? method.defaultLearningRate }
  package var resolvedDense: String { dense ?? Self.defaultDense }
  package var resolvedWarmup: Double { warmup ?? profile.warmup(of: method) }
  package var resolvedWeightDecay: Double { weightDecay ?? method.defaultWeightDecay }

  /// How the child is chosen when no mask is given.
  package var maskRecipe: MaskRecipe {
    var recipe = MaskRecipe(profile.maskPreset)
    recipe.keep = settings.keep(of: method)
    recipe.scope = scope ?? recipe.scope
    recipe.fisher.batchSize = batchSize
    recipe.fisher.seed = seed
    return recipe
  }

  /// - Throws: `options.invalid`, `options.pattern-invalid`, `mask.keep-invalid`,
  ///   `method.contradictory`.
  package func validate() throws(TuningError) {
    try maskRecipe.validate()
    try loop.validate()
    try settings.validate(for: method, learningRate: peakLearningRate)
    if method.contains(.recAdam) && optimizer != .adamW {
      throw TuningError(.methodContradictory, "recadam is a form of --optimizer adamw")
    }
    if dense != nil && method.contains(.childD) && profile.movesWholeNetwork {
      throw TuningError(
        .methodContradictory, "--profile \(profile.rawValue) trains all that is out of scope",
        hint: "leave out --dense")
    }
    let (warmup, weightDecay) = (resolvedWarmup, resolvedWeightDecay)
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
    _ = try NamePatternMatcher(resolvedDense)
  }

  /// Every option with its resolved value; of the methods' numbers those that are used.
  package var json: JSONObject {
    var fields = settings.json(for: method)
    if method.contains(.childD) {
      fields["fisher"] = .string(maskRecipe.fisher.granularity.rawValue)
      fields["fisher_dropout"] = .bool(maskRecipe.fisher.usesDropout)
      fields["scope"] = .string(maskRecipe.scope)
    }
    for (name, value) in loop.json.members { fields[name] = value }
    fields["batch_size"] = .integer(batchSize)
    fields["clipping_norm"] = .real(clippingNorm)
    fields["dense"] = .string(resolvedDense)
    fields["epochs"] = .integer(epochs)
    fields["learning_rate"] = .real(peakLearningRate)
    fields["max_length"] = .integer(maxLength)
    fields["method"] = .string(method.description)
    fields["optimizer"] = .string(optimizer.rawValue)
    fields["profile"] = .string(profile.rawValue)
    fields["seed"] = .string(String(seed))
    fields["warmup"] = .real(resolvedWarmup)
    fields["weight_decay"] = .real(resolvedWeightDecay)
    return fields.sorted
  }
}

extension JSONObject {
  /// The members in the order of their names, as a manifest has them.
  fileprivate var sorted: JSONObject {
    keys.sorted().reduce(into: JSONObject()) { $0[$1] = self[$1] }
  }
}
