import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// Ten AdamW steps on the reference batch, against PyTorch in double precision.
@Suite(.tags(.numeric))
struct OptimizerParityTests {
  /// AdamW divides rounding noise by itself where a gradient is zero in exact
  /// arithmetic, so those tensors are compared with the steps' own size.
  static let noiseOfZeroGradients = 1e-2

  private func trainer(_ model: ReferenceModel, _ plan: TrainablePlan, _ batch: PackedBatch)
    -> Trainer
  {
    // Constant rate: the decay over 10^9 steps is below f32 resolution.
    let schedule = LearningRateSchedule(peak: 1e-3, totalSteps: 1_000_000_000, warmupRatio: 0)
    var settings = Trainer.Settings(schedule: schedule, seed: 0)
    settings.optimizer = AdamW.Settings(epsilon: 1e-6, weightDecay: 0.01)
    settings.clippingNorm = .infinity
    settings.usesDropout = false
    return Trainer(
      network: model.network, parameters: model.parameters, plan: plan, settings: settings,
      limits: BatchLimits(covering: [batch]), compute: Compute(threadCount: 2))
  }

  private func losses(_ trainer: Trainer, _ batch: PackedBatch, _ targets: Targets) -> [Double] {
    (0..<11).map { _ in trainer.step(batch, targets: targets).loss }
  }

  @Test(arguments: ReferenceModel.folders)
  func unmaskedLossCurve(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let batch = try model.batch()
    let plan = TrainablePlan(
      layout: model.network.layout, child: [:], dense: Set(model.network.layout.allIDs))
    let found = losses(trainer(model, plan, batch), batch, try model.targets())
    let closeness = Closeness.of(
      found, model.parity.doubles("adamw", "losses"), absolute: 5e-6, relative: 5e-5)
    #expect(closeness.isWithin, "\(closeness)")
  }

  @Test(arguments: ReferenceModel.folders)
  func unmaskedFinalWeights(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let batch = try model.batch()
    let plan = TrainablePlan(
      layout: model.network.layout, child: [:], dense: Set(model.network.layout.allIDs))
    let trainer = trainer(model, plan, batch)
    for _ in 0..<10 { _ = trainer.step(batch, targets: try model.targets()) }
    let noisy = Set(model.parity.strings("adamw", "zero_gradient_in_theory"))
    for id in model.network.layout.allIDs {
      let name = model.network.layout[id].name
      let values = model.parameters.array(id).map(Double.init)
      let final = model.parity.facts["adamw"]?["final"]?[name]
      let sum = try #require(final?["sum"]?.doubleValue)
      let squares = try #require(final?["sum_sq"]?.doubleValue)
      // A sum of n weights may be off by n times the error of one.
      let each = noisy.contains(name) ? Self.noiseOfZeroGradients : 2e-5
      let bound = each * Double(values.count)
      #expect(abs(values.reduce(0, +) - sum) < bound, "\(name)")
      #expect(abs(values.map { $0 * $0 }.reduce(0, +) - squares) < bound, "\(name)")
    }
  }

  @Test(arguments: ReferenceModel.folders)
  func maskedStepsMoveTheChildAndNothingElse(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let layout = model.network.layout
    let before = model.parameters.array()
    let (child, dense) = try childAndDense(model)
    let plan = TrainablePlan(layout: layout, child: child, dense: dense)
    let batch = try model.batch()
    let trainer = trainer(model, plan, batch)
    var losses: [Double] = []
    for _ in 0..<10 { losses.append(trainer.step(batch, targets: try model.targets()).loss) }
    let expected = Array(model.parity.doubles("masked_adamw", "losses").prefix(10))
    #expect(Closeness.of(losses, expected, absolute: 5e-6, relative: 5e-5).isWithin)

    for id in layout.allIDs {
      let parameter = layout[id]
      let found = model.parameters.array(id)
      let start = Array(before[parameter.offset..<parameter.offset + parameter.count])
      let trains = trainable(parameter, child[id], isDense: dense.contains(id))
      for index in found.indices where !trains[index] {
        #expect(found[index].bitPattern == start[index].bitPattern, "\(parameter.name) \(index)")
      }
      guard model.parity.tensors.info(of: "masked_final." + parameter.name) != nil else { continue }
      let expected = try model.parity.floats("masked_final." + parameter.name)
      // A trimmed file has the masked entries alone.
      let compared =
        expected.count == found.count
        ? found : found.indices.filter { trains[$0] }.map { found[$0] }
      let closeness = Closeness.of(compared, expected, absolute: 5e-6, relative: 5e-6)
      #expect(closeness.isWithin, "\(parameter.name): \(closeness)")
    }
  }

  private func trainable(_ parameter: Parameter, _ child: [UInt32]?, isDense: Bool) -> [Bool] {
    var trains = [Bool](repeating: isDense, count: parameter.count)
    for position in child ?? [] { trains[Int(position)] = true }
    return trains
  }

  private func childAndDense(
    _ model: ReferenceModel
  ) throws -> (child: [ParameterID: [UInt32]], dense: Set<ParameterID>) {
    let layout = model.network.layout
    var child: [ParameterID: [UInt32]] = [:]
    for name in model.parity.strings("masked_adamw", "masked") {
      let id = try #require(layout.id(of: name))
      let flags = try model.parity.integers("mask." + name)
      child[id] = flags.indices.filter { flags[$0] == 1 }.map { UInt32($0) }
    }
    let dense = try model.parity.strings("masked_adamw", "trained_densely").map {
      try #require(layout.id(of: $0))
    }
    return (child, Set(dense))
  }

  /// A child of everything is vanilla fine-tuning, bit for bit.
  @Test func fullChildEqualsDense() throws {
    var results: [[Float]] = []
    for isDense in [true, false] {
      let model = try ReferenceModel("bert")
      let layout = model.network.layout
      let all = layout.allIDs.map { ($0, (0..<UInt32(layout[$0].count)).map { $0 }) }
      let plan = TrainablePlan(
        layout: layout, child: isDense ? [:] : Dictionary(uniqueKeysWithValues: all),
        dense: isDense ? Set(layout.allIDs) : [])
      let batch = try model.batch()
      let trainer = trainer(model, plan, batch)
      for _ in 0..<3 { _ = trainer.step(batch, targets: try model.targets()) }
      results.append(model.parameters.array())
    }
    #expect(results[0] == results[1])
  }
}

@Suite(.tags(.numeric))
struct LearningRateScheduleTests {
  @Test func warmsUpAndDecaysLinearly() {
    let schedule = LearningRateSchedule(peak: 2, totalSteps: 10, warmupRatio: 0.15)
    #expect(schedule.warmupSteps == 2)
    #expect((0..<4).map { schedule.rate(at: $0) } == [0, 1, 2, 1.75])
    #expect(schedule.rate(at: 10) == 0)
  }

  /// Against the schedules of transformers 5.24.0: peak 2, 3 of 11 steps of warm-up.
  @Test(arguments: [
    (
      LearningRateSchedule.Shape.cosine,
      [
        2.0, 1.923879532511, 1.707106781187, 1.382683432365, 1.0, 0.617316567635,
        0.292893218813, 0.076120467489,
      ]
    ),
    (.linear, [2, 1.75, 1.5, 1.25, 1, 0.75, 0.5, 0.25]),
    (.constant, [2, 2, 2, 2, 2, 2, 2, 2]),
  ])
  func shapesAfterTheWarmUp(_ shape: LearningRateSchedule.Shape, _ expected: [Double]) {
    let schedule = LearningRateSchedule(
      peak: 2, totalSteps: 11, warmupRatio: 0.25, shape: shape)
    #expect(schedule.warmupSteps == 3)
    let found = (0..<11).map { schedule.rate(at: $0) }
    let warmup: [Double] = [0, 2.0 / 3, 4.0 / 3]
    let closeness = Closeness.of(found, warmup + expected, absolute: 1e-11, relative: 0)
    #expect(closeness.isWithin, "\(closeness)")
  }

  @Test func noWarmUpStartsAtThePeak() {
    #expect(LearningRateSchedule(peak: 1, totalSteps: 4, warmupRatio: 0).rate(at: 0) == 1)
  }
}

@Suite(.tags(.numeric))
struct EpochOrderTests {
  @Test func everyEpochVisitsEveryExampleOnceInItsOwnOrder() {
    let order = EpochOrder(exampleCount: 23, batchSize: 5, seed: 3)
    #expect(order.stepCount == 5)
    let first = order.permutation(epoch: 0)
    #expect(first.sorted() == Array(0..<23))
    #expect(first == order.permutation(epoch: 0))
    #expect(first != order.permutation(epoch: 1))
    #expect(first != EpochOrder(exampleCount: 23, batchSize: 5, seed: 4).permutation(epoch: 0))
    #expect(order.batches(of: first[...]).map(\.count) == [5, 5, 5, 5, 3])
    #expect(Array(order.batches(of: first[...]).joined()) == first)
  }

  @Test func aStepOfSeveralBatchesTakesThemInTurn() {
    let order = EpochOrder(exampleCount: 23, batchSize: 3, accumulation: 3, seed: 3)
    #expect(order.stepCount == 3)
    let permutation = order.permutation(epoch: 0)
    let steps = (0..<3).map { order.batches(step: $0, of: permutation) }
    #expect(steps.map { $0.map(\.count) } == [[3, 3, 3], [3, 3, 3], [3, 2]])
    #expect(steps.flatMap { $0.flatMap { Array($0) } } == permutation)
  }
}
