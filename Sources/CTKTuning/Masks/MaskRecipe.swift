package import CTKCore
package import CTKModel

/// Whether one ranking covers all scored tensors or each tensor has its own.
package enum MaskQuota: String, Sendable, CaseIterable {
  case global
  /// Every tensor gives the same share of its weights.
  case tensor
}

/// How the weights above the cut are told from those below.
package enum MaskThreshold: String, Sendable, CaseIterable {
  /// Exactly the k highest scores; ties go to the lower position.
  case exact
  /// Every score that reaches the linearly interpolated percentile, as in the authors' code:
  /// ties are all kept, even if that keeps everything.
  case percentile
}

/// How a mask is made: what ranks the weights, which of them, and how many are chosen.
package struct MaskRecipe: Sendable, Equatable {
  package var score = MaskScore.fisher
  /// As `ParameterScope` reads it.
  package var scope = "encoder"
  package var keep = 0.1
  package var quota = MaskQuota.global
  package var threshold = MaskThreshold.exact
  package var fisher = FisherEstimator.Settings()

  package init() {}

  /// - Throws: `mask.keep-invalid`, `options.pattern-invalid`, `options.invalid`.
  package func validate() throws(TuningError) {
    guard keep > 0, keep <= 1 else {
      throw TuningError(.keepInvalid, "--keep is \(keep), it must be above 0 and at most 1")
    }
    _ = try ParameterScope(scope)
    let rules: [(Bool, String)] = [
      (fisher.batchSize > 0, "--batch-size must be at least 1"),
      (fisher.exampleLimit ?? 1 > 0, "--examples must be at least 1"),
      (fisher.clippingNorm ?? 1 > 0, "--clip must be positive"),
      (
        threshold == .exact || score.order == .highest,
        "--threshold percentile keeps the highest scores, \(score.rawValue) wants the lowest"
      ),
    ]
    if let broken = rules.first(where: { !$0.0 }) { throw TuningError(.optionInvalid, broken.1) }
  }

  /// The weights to score, in layout order.
  ///
  /// - Throws: `mask.empty-scope`, `options.pattern-invalid`, `options.invalid`.
  package func scored(of layout: ParameterLayout) throws(TuningError) -> [ParameterID] {
    let scored = try ParameterScope(scope).parameters(of: layout)
    guard scored.contains(where: { layout[$0].count > 0 }) else {
      throw TuningError(
        .maskEmpty, "the scope '\(scope)' selects no tensor of the model",
        hint: "ctk inspect lists the names that a pattern is matched with")
    }
    return scored
  }

  /// Refuses a scope that a model of this configuration has nothing in, before any weight is read.
  ///
  /// - Throws: as `scored(of:)`, and `model.architecture-unsupported`.
  package func requireScope(in configuration: ModelConfiguration) throws(TuningError) {
    // The head's width does not matter: a scope goes by names.
    let network = try TuningError.wrap { () throws(ModelError) in
      try SequenceClassifier(configuration: configuration, labelCount: 1)
    }
    _ = try scored(of: network.layout)
  }

  /// The settings that decide the mask, for its provenance.
  package var json: JSONObject {
    var object = JSONObject([
      "quota": .string(quota.rawValue), "scope": .string(scope),
      "score": .string(score.rawValue), "threshold": .string(threshold.rawValue),
    ])
    if score.needsData {
      object["batch_size"] = .integer(fisher.batchSize)
      object["clip"] = fisher.clippingNorm.map { .real($0) }
      object["dropout"] = .bool(fisher.usesDropout)
      object["examples"] = fisher.exampleLimit.map { .integer($0) }
      object["fisher"] = .string(fisher.granularity.rawValue)
      object["labels"] = .string(fisher.labels.rawValue)
    }
    if score.usesSeed { object["seed"] = .string(String(fisher.seed)) }
    return object
  }
}

// MARK: Presets

extension MaskRecipe {
  /// Recipes that others have published.
  package enum Preset: String, Sendable, CaseIterable {
    /// The definition of Child-Tuning-D: squared gradients of each example, exactly k.
    case paper
    /// The authors' code: squared gradients of batch means, clipped tensor by tensor, with
    /// dropout, and everything from the percentile up.
    case reference
    /// FISH masks (Sung et al. 2021): 1024 examples, the whole network, 0.5 %.
    case fish
  }

  package init(_ preset: Preset) {
    self.init()
    switch preset {
    case .paper: break
    case .reference:
      scope = "layer"
      threshold = .percentile
      fisher.granularity = .batch
      fisher.usesDropout = true
      fisher.clippingNorm = 1
    case .fish:
      scope = "all"
      keep = 0.005
      fisher.exampleLimit = 1024
    }
  }
}
