package import CTKCore
package import CTKModel
package import CTKTensor

/// Estimates the diagonal of the Fisher information of a task.
///
/// F(w) = mean over examples of (d log p(y | x; w) / dw)^2 at the weights as they are, with
/// gold labels (Xu et al. 2021, section 2.3) or with labels drawn from the model.
package struct FisherEstimator {
  package struct Settings: Sendable, Equatable {
    package var granularity = FisherGranularity.example
    package var labels = FisherLabels.gold
    /// Whether dropout is on, as in the authors' code.
    package var usesDropout = false
    /// Largest L2 norm of a tensor's gradient before it is squared; nil for no limit.
    package var clippingNorm: Double?
    package var batchSize = 16
    /// At most this many examples, drawn without replacement; nil takes all.
    package var exampleLimit: Int?
    package var seed: UInt64 = 42

    package init() {}
  }

  private let network: SequenceClassifier
  private let parameters: ParameterVector
  private let activations: KeptActivations
  private let compute: Compute

  /// - Parameter activations: what forward keeps for backward; no score depends on it.
  package init(
    network: SequenceClassifier, parameters: ParameterVector,
    keeping activations: KeptActivations = .all, compute: Compute
  ) {
    self.network = network
    self.parameters = parameters
    self.activations = activations
    self.compute = compute
  }

  /// The mean squared gradients of the scored parameters.
  ///
  /// - Throws: `model.token-out-of-range`, `model.sequence-too-long`.
  package func estimate(
    _ data: TokenizedDataset, scored: [ParameterID], settings: Settings,
    progress: ProgressHandler? = nil
  ) throws(ModelError) -> FisherAccumulator {
    let sink = FisherAccumulator(
      layout: network.layout, scored: scored, granularity: settings.granularity,
      clippingNorm: settings.clippingNorm, compute: compute)
    let sampler = settings.labels == .sampled ? LabelSampler(seed: settings.seed) : nil
    let batches = batches(data, settings)
    let workspace = network.workspace(
      data.limits(of: batches), compute: compute, keeping: activations)
    for (number, examples) in batches.enumerated() {
      let batch = data.batch(examples)
      try network.validate(batch)
      let dropout =
        settings.usesDropout
        ? DropoutStream(seed: settings.seed ^ 0xF15, step: UInt64(number)) : nil
      let pass = network.forward(batch, dropout: dropout, parameters, workspace)
      let gold = data.targets(examples)
      let targets =
        sampler?.draw(from: pass.logits, examples: data.rows(examples), like: gold) ?? gold
      let weight: Float =
        settings.granularity == .example ? 1 : 1 / Float(max(1, targets.labelledCount))
      _ = Loss.gradient(of: pass.logits, targets: targets, weight: weight)
      network.backward(
        pass, logitGradient: pass.logits, batch: batch, sink: sink, parameters, workspace)
      progress?(
        ProgressEvent(
          stage: "fisher", completed: number + 1, total: batches.count, unit: "batches"))
    }
    let terms =
      settings.granularity == .example ? batches.map(\.count).reduce(0, +) : batches.count
    scale(sink.scores, by: 1 / Float(max(1, terms)))
    withExtendedLifetime(workspace) {}
    return sink
  }

  /// Tokens of a batch of which every example has a gradient of its own: enough for weights
  /// and scores to be read seldom, and few activations to keep.
  private static let tokenBudget = 1024

  /// Per example neither order nor batches matter, but for what dropout draws, so neighbours
  /// in length share a batch; per batch the batches are drawn as in training.
  private func batches(_ data: TokenizedDataset, _ settings: Settings) -> [[Int]] {
    let order = EpochOrder(
      exampleCount: data.count, batchSize: settings.batchSize, seed: settings.seed)
    var examples = order.permutation(epoch: -1)
    if let limit = settings.exampleLimit { examples = Array(examples.prefix(limit)) }
    if settings.granularity == .example {
      examples.sort { (data.length($0), $0) < (data.length($1), $1) }
      return data.batches(of: examples, tokenBudget: Self.tokenBudget)
    }
    return order.batches(of: examples[...]).map { Array($0) }
  }

  private func scale(_ values: FloatBuffer, by factor: Float) {
    compute.parallel(values.count, weight: 1) { part in
      for index in part { values.base[index] *= factor }
    }
  }
}
