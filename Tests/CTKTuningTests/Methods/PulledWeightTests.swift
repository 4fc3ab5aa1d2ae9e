import CKernels
import CTKModel
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// Laws of the methods that pull towards the pretrained weights.
@Suite(.tags(.numeric))
struct PulledWeightTests {
  /// A trainer on the reference batch at a constant rate.
  private func trainer(
    _ model: ReferenceModel, drawn: Set<ParameterID> = [],
    _ change: (inout Trainer.Settings) -> Void
  ) throws -> Trainer {
    let layout = model.network.layout
    let plan = TrainablePlan(
      layout: layout, child: [:], dense: Set(layout.allIDs), drawn: drawn)
    var settings = Trainer.Settings(
      schedule: LearningRateSchedule(peak: 1e-3, totalSteps: 1_000_000_000, warmupRatio: 0),
      seed: 3)
    settings.optimizer.weightDecay = 0
    settings.usesDropout = false
    change(&settings)
    return Trainer(
      network: model.network, parameters: model.parameters, plan: plan, settings: settings,
      limits: BatchLimits(covering: [try model.batch()]), compute: Compute(threadCount: 2))
  }

  private func weights(
    steps: Int, _ change: (inout Trainer.Settings) -> Void
  ) throws -> (start: [Float], end: [Float], reports: [Trainer.StepReport]) {
    let model = try ReferenceModel("bert")
    let start = model.parameters.array()
    let trainer = try trainer(model, change)
    let (batch, targets) = (try model.batch(), try model.targets())
    let reports = (0..<steps).map { _ in trainer.step(batch, targets: targets) }
    return (start, model.parameters.array(), reports)
  }

  /// A share of 1 leaves AdamW.
  @Test func recAdamReducesToAdamW() throws {
    let plain = try weights(steps: 5) { _ in }
    let annealed = try weights(steps: 5) {
      var settings = RecAdam.Settings()
      settings.annealing = .linear
      settings.midpoint = 0
      $0.recipe.recAdam = settings
    }
    #expect(plain.end == annealed.end)
  }

  /// A share of 0 leaves the pull, which cannot move weights off their start.
  @Test func recAdamWithoutTheTaskStaysAtTheStart() throws {
    let result = try weights(steps: 5) {
      var settings = RecAdam.Settings()
      settings.midpoint = 1_000_000
      settings.strength = 100
      $0.recipe.recAdam = settings
    }
    #expect(result.start == result.end)
  }

  /// Parameters without a pretrained value take AdamW's steps from the first one on.
  @Test func aDrawnHeadIsNotPulled() throws {
    func head(_ drawn: Bool, _ change: (inout Trainer.Settings) -> Void) throws -> [Float] {
      let model = try ReferenceModel("bert")
      let id = try #require(model.network.layout.id(of: "classifier.weight"))
      let trainer = try trainer(model, drawn: drawn ? [id] : [], change)
      _ = trainer.step(try model.batch(), targets: try model.targets())
      return model.parameters.array(id)
    }
    let plain = try head(false) { _ in }
    let recAdam = { (settings: inout Trainer.Settings) in
      settings.recipe.recAdam = RecAdam.Settings()
    }
    #expect(try head(true, recAdam) == plain)
    #expect(try head(false, recAdam) != plain)
  }

  /// Shares of the sigmoid and the line.
  @Test func annealing() {
    var settings = RecAdam.Settings()
    #expect(settings.share(at: 250) == 0.5)
    #expect(settings.share(at: 1) < 1e-50 && settings.share(at: 350) > 1 - 1e-15)
    #expect(abs(settings.share(at: 252) + settings.share(at: 248) - 1) < 1e-15)
    settings.annealing = .linear
    #expect(settings.share(at: 125) == 0.5 && settings.share(at: 251) == 1)
  }

  /// The mixture of a pass has the weights as its mean over passes, and the pretrained
  /// weights where it is drawn.
  @Test func mixturesHaveTheWeightsAsTheirMean() {
    let (count, passes, keep) = (2000, 400, 0.3)
    let site = { (pass: Int) in
      ctk_dropout(keep: keep, random: CounterRandom(1, UInt64(pass)))
    }
    var random = SeededGenerator(seed: 12)
    let (anchor, weights) = (random.floats(count), random.floats(count))
    var sums = [Double](repeating: 0, count: count)
    for pass in 0..<passes {
      var (mixed, saved) = (weights, weights)
      Kernels.fastest.mix(&mixed, anchor, &saved, site(pass), 0, count)
      for index in 0..<count {
        sums[index] += Double(mixed[index])
        let isPretrained = mixed[index] == anchor[index]
        let scaled = anchor[index] + (weights[index] - anchor[index]) / Float(keep)
        #expect(isPretrained || abs(mixed[index] - scaled) < 1e-5)
      }
    }
    // Standard errors of the mean of w0 + M (w - w0) / q: |w - w0| sqrt((1 - q) / q / n).
    let errors = (0..<count).map { index in
      (sums[index] / Double(passes) - Double(weights[index]))
        / (abs(Double(weights[index] - anchor[index]))
          * ((1 - keep) / keep / Double(passes)).squareRoot() + 1e-6)
    }
    #expect(errors.allSatisfy { abs($0) < 6 })
    let square = errors.map { $0 * $0 }.reduce(0, +) / Double(count)
    #expect(abs(square - 1) < 5 * (2.0 / Double(count)).squareRoot())
  }

  /// The penalty's slope is 2 factor (w - w0): the first step does not feel it, later ones do.
  @Test func thePullStartsAtZero() throws {
    let plain = try weights(steps: 2) { $0.rule = .sgd }
    let pulled = try weights(steps: 2) {
      $0.rule = .sgd
      $0.recipe.pull = 10
    }
    #expect(plain.reports[0].gradientNorm == pulled.reports[0].gradientNorm)
    #expect(plain.reports[1].gradientNorm != pulled.reports[1].gradientNorm)
    // Two steps with slopes g1 and g2: the pull adds 2 f lr^2 g1 to the second update.
    let factor = 2 * 10 * 1e-3
    for index in stride(from: 0, to: plain.end.count, by: 97) {
      let first = try #require(plain.start.indices.contains(index) ? index : nil)
      let total = Double(plain.end[first] - plain.start[first])
      let change = Double(pulled.end[first] - plain.end[first])
      #expect(abs(change) <= factor * abs(total) + 1e-5)
    }
  }
}
