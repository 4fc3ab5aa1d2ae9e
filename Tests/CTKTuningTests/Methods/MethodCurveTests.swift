import CTKCore
import CTKModel
import CTKPatch
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// Fifty steps of every method beside PyTorch in double precision
/// (`fixtures/scripts/method_curves.py`), random draws included.
///
/// Rounding grows over fifty steps of f32 where Adam divides small gradients by
/// themselves; a wrong term of any method moves a curve by a hundred times the tolerance.
@Suite(.tags(.numeric))
struct MethodCurveTests {
  struct Curve: Sendable, CustomStringConvertible {
    let facts: JSONValue
    var description: String {
      facts.objectValue?.members.filter { $0.0 != "losses" }.map { "\($0.0) \($0.1.compactText)" }
        .joined(separator: ", ") ?? ""
    }
  }

  static let file = try? JSONParser.parseFile(
    Fixtures.path("checkpoints/bert/method-curves.json"))
  static let curves = (file?["cases"]?.arrayValue ?? []).map { Curve(facts: $0) }

  @Test(arguments: curves)
  func lossesOverFiftySteps(_ curve: Curve) throws {
    let facts = curve.facts
    let model = try ReferenceModel("bert")
    let choice = try choice(facts)
    let head = model.network.layout.allIDs.filter {
      model.network.layout[$0].name.hasPrefix("classifier")
    }
    let plan = try TrainablePlan.of(
      model.network.layout, choice, mask: try mask(model, choice.method), initialized: head)
    let whole = try model.batch()
    let trainer = Trainer(
      network: model.network, parameters: model.parameters, plan: plan,
      settings: try settings(facts, choice), limits: BatchLimits(covering: [whole]),
      compute: Compute(threadCount: 2))
    let labels = try model.parity.integers("labels")
    let expected = (facts["losses"]?.arrayValue ?? []).compactMap(\.doubleValue)
    #expect(expected.count == 50)
    let found = expected.indices.map { step in
      let examples = (0..<3).map { (2 * step + $0) % labels.count }
      return trainer.step(
        Self.batch(examples, of: whole), targets: .classes(examples.map { labels[$0] })
      ).loss
    }
    let closeness = Closeness.of(found, expected, absolute: 2e-5, relative: 2e-3)
    #expect(closeness.isWithin, "\(closeness)")
  }

  @Test func everyPartHasACurve() throws {
    let methods = try Self.curves.map {
      try TuningMethod($0.facts["method"]?.stringValue ?? "")
    }
    for part in MethodPart.allCases {
      #expect(methods.contains { $0.contains(part) }, "\(part)")
    }
  }

  private func choice(_ facts: JSONValue) throws -> TrainableChoice {
    TrainableChoice(
      method: try TuningMethod(facts["method"]?.stringValue ?? ""),
      profile: facts["profile"] == "reference" ? .reference : .paper,
      dense: FinetuneOptions.defaultDense, topLayers: facts["top_layers"]?.intValue ?? 0)
  }

  private func settings(_ facts: JSONValue, _ choice: TrainableChoice) throws -> Trainer.Settings {
    let rate = facts["learning_rate"] ?? Self.file?["learning_rate"]
    // Constant rate: the decay over 10^9 steps is below f32 resolution.
    var settings = Trainer.Settings(
      schedule: LearningRateSchedule(
        peak: try #require(rate?.doubleValue), totalSteps: 1_000_000_000, warmupRatio: 0),
      seed: UInt64(try #require(Self.file?["seed"]?.intValue)))
    settings.optimizer = AdamW.Settings(
      epsilon: Float(try #require(Self.file?["epsilon"]?.doubleValue)),
      weightDecay: Float(choice.method.defaultWeightDecay))
    settings.optimizer.form = choice.profile.adamForm
    settings.rule = facts["optimizer"] == "sgd" ? .sgd : .adamW
    settings.usesDropout = false
    settings.recipe = MethodRecipe(choice.method, numbers(facts))
    return settings
  }

  private func numbers(_ facts: JSONValue) -> MethodSettings {
    var numbers = MethodSettings()
    numbers.keep = facts["keep"]?.doubleValue
    numbers.pull = facts["pull"]?.doubleValue ?? 0
    numbers.mixout = facts["mixout"]?.doubleValue ?? 0
    numbers.recAdam.strength = facts["recadam_strength"]?.doubleValue ?? 0
    numbers.recAdam.rate = facts["recadam_rate"]?.doubleValue ?? 1
    numbers.recAdam.midpoint = facts["recadam_midpoint"]?.intValue ?? 0
    if facts["recadam_anneal"] == "linear" { numbers.recAdam.annealing = .linear }
    numbers.r3f.weight = facts["r3f_weight"]?.doubleValue ?? 1
    numbers.r3f.epsilon = facts["r3f_epsilon"]?.doubleValue ?? 0
    if facts["r3f_noise"] == "normal" { numbers.r3f.noise = .normal }
    return numbers
  }

  /// The child of the parity file.
  private func mask(_ model: ReferenceModel, _ method: TuningMethod) throws -> ParameterMask? {
    guard method.contains(.childD) else { return nil }
    let tensors = try model.parity.strings("masked_adamw", "masked").map { name in
      let flags = try model.parity.integers("mask." + name)
      return try MaskedTensor(
        name: name, shape: try model.parity.shape("mask." + name),
        positions: flags.indices.filter { flags[$0] == 1 }.map { UInt32($0) },
        scores: ScoreSummary())
    }
    return try ParameterMask(
      tensors: tensors, baseFingerprint: Digest.of([]), scored: 1 << 20, keep: 0.2,
      score: "fisher")
  }

  private static func batch(_ examples: [Int], of whole: PackedBatch) -> PackedBatch {
    var batch = PackedBatch()
    for example in examples {
      let range = whole.offsets[example]..<whole.offsets[example + 1]
      batch.append(
        tokenIDs: Array(whole.tokenIDs[range]), tokenTypeIDs: Array(whole.tokenTypeIDs[range]))
    }
    return batch
  }
}
