import CTKModel
import CTKTensor
import CTKTestSupport
import CTKText
import CTKTuning
import Testing

/// Steps of several batches, and learning rates by layer.
@Suite(.tags(.numeric))
struct TrainerStepTests {
  private func dataset(_ model: ReferenceModel) throws -> TokenizedDataset {
    let batch = try model.batch()
    let encodings = (0..<batch.sequenceCount).map { sequence in
      let range = batch.offsets[sequence]..<batch.offsets[sequence + 1]
      return Encoding(
        inputIDs: Array(batch.tokenIDs[range]), tokenTypeIDs: Array(batch.tokenTypeIDs[range]))
    }
    return TokenizedDataset(encodings, targets: try model.targets())
  }

  private func settings(_ rule: LossRule = LossRule()) -> Trainer.Settings {
    var settings = Trainer.Settings(
      schedule: LearningRateSchedule(
        peak: 0.002, totalSteps: 10, warmupRatio: 0, shape: .constant), seed: 0)
    // Plain descent: Adam would divide the rounding noise of vanishing gradients by itself.
    settings.rule = .sgd
    settings.optimizer.weightDecay = 0
    settings.clippingNorm = .infinity
    settings.usesDropout = false
    settings.lossRule = rule
    return settings
  }

  private func plan(
    _ model: ReferenceModel, rateFactor: @escaping (Parameter) -> Float = { _ in 1 }
  ) -> TrainablePlan {
    let layout = model.network.layout
    return TrainablePlan(
      layout: layout, child: [:], dense: Set(layout.allIDs), rateFactor: rateFactor)
  }

  /// The gradient of some batches is that of one batch of them all; sums of f32 in another
  /// order leave a relative difference near 1e-6 of a step.
  @Test(arguments: ["bert", "bert-regression", "xlnet"], [1, 2, 3])
  func accumulationEqualsTheLargerBatch(_ folder: String, _ size: Int) throws {
    var rule = LossRule()
    if folder == "bert" {
      rule.classWeights = [0.5, 2, 1]
      rule.smoothing = 0.1
    }
    var results: [(weights: [Float], losses: [Double])] = []
    for batchSize in [size, .max] {
      let model = try ReferenceModel(folder)
      let data = try dataset(model)
      if folder == "bert" {
        rule.classWeights = Array(([0.5, 2, 1] as [Float]).prefix(model.network.labelCount))
      }
      var settings = settings(rule)
      settings.accumulation = data.count
      let trainer = Trainer(
        network: model.network, parameters: model.parameters, plan: plan(model),
        settings: settings, limits: data.limits(of: [Array(0..<data.count)]),
        compute: Compute(threadCount: 2))
      let parts = stride(from: 0, to: data.count, by: min(batchSize, data.count)).map { start in
        let range = start..<min(data.count, start + min(batchSize, data.count))
        return TrainingBatch(batch: data.batch(range), targets: data.targets(range))
      }
      let losses = (0..<3).map { _ in trainer.step(parts).loss }
      results.append((model.parameters.array(), losses))
    }
    let weights = Closeness.of(
      results[0].weights, results[1].weights, absolute: 2e-6, relative: 2e-6)
    #expect(weights.isWithin, "\(weights)")
    let losses = Closeness.of(
      results[0].losses, results[1].losses, absolute: 1e-6, relative: 1e-6)
    #expect(losses.isWithin, "\(losses)")
    #expect(results[1].losses[2] < results[1].losses[0])
  }

  /// One plain step moves each part by its own share of what it moves at the whole rate.
  @Test func layersLearnAtTheirOwnRates() throws {
    func moved(_ decay: Double) throws -> [ParameterID: [Float]] {
      let model = try ReferenceModel("bert")
      let before = model.network.layout.allIDs.map { model.parameters.array($0) }
      let choice = TrainableChoice(
        method: try TuningMethod("vanilla"), profile: .paper, dense: "classifier", topLayers: 0,
        layerDecay: decay)
      let data = try dataset(model)
      let trainer = Trainer(
        network: model.network, parameters: model.parameters,
        plan: try TrainablePlan.of(
          model.network.layout, choice, mask: nil, initialized: []),
        settings: settings(), limits: data.limits(of: [Array(0..<data.count)]),
        compute: Compute(threadCount: 1))
      _ = trainer.step(data.batch(0..<data.count), targets: data.targets(0..<data.count))
      var moved: [ParameterID: [Float]] = [:]
      for id in model.network.layout.allIDs {
        moved[id] = zip(model.parameters.array(id), before[id.index]).map { $0 - $1 }
      }
      return moved
    }
    let layout = try ReferenceModel("bert").network.layout
    let (whole, decayed) = (try moved(1), try moved(0.5))
    for id in layout.allIDs {
      let factor: Float =
        switch layout[id].part {
        case .head: 1
        case .layer(1): 0.5
        case .layer: 0.25
        case .embeddings: 0.125
        }
      let closeness = Closeness.of(
        decayed[id] ?? [], (whole[id] ?? []).map { factor * $0 }, absolute: 3e-7, relative: 1e-4)
      #expect(closeness.isWithin, "\(layout[id].name): \(closeness)")
    }
  }
}
