import CTKCheckpoint
import CTKCore
import CTKModel
import CTKPatch
import CTKSafetensors
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// What the profiles `paper` and `reference` do differently, row by row of their table.
@Suite(.tags(.numeric))
struct ProfileTests {
  private func bench(_ profile: TuningProfile, _ method: String = "child-d") throws -> RunBench {
    var bench = try RunBench()
    bench.options.profile = profile
    bench.options.method = try TuningMethod(method)
    bench.options.learningRate = 1e-3
    return bench
  }

  private func weights(_ bench: RunBench) throws -> (
    before: [String: [Float]], after: [String: [Float]]
  ) {
    let run = try FinishedRun(folder: bench.run, base: bench.checkpoint)
    func floats(_ source: any TensorSource) throws -> [String: [Float]] {
      var values: [String: [Float]] = [:]
      for info in source.tensors {
        values[info.name] = try source.withTensorBytes(info.name) { bytes in
          (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
      }
      return values
    }
    return (try floats(bench.checkpoint.weights), try floats(run.weights))
  }

  /// Rates of the run's steps.
  private func rates(_ bench: RunBench) -> [Double] {
    let steps = 2 * 5
    let schedule = LearningRateSchedule(
      peak: bench.options.peakLearningRate, totalSteps: steps,
      warmupRatio: bench.options.resolvedWarmup)
    return (0..<steps).map { schedule.rate(at: $0) }
  }

  /// Outside the child a decayed weight is w0 times the product of (1 - lr wd), factor by
  /// factor in f32, and any other weight keeps its bits.
  @Test(arguments: [0.0, 0.01, 0.3])
  func driftOutsideTheChild(_ weightDecay: Double) throws {
    var bench = try bench(.reference)
    bench.options.weightDecay = weightDecay
    let result = try bench.train()
    let mask = try ParameterMask(path: bench.run.mask)
    let (before, after) = try weights(bench)
    let factors = rates(bench).map { rate in
      Float(1 - Double(Float(rate)) * Double(Float(weightDecay)))
    }
    var (outside, moved) = (0, 0)
    for tensor in mask.tensors {
      let decays = !tensor.name.contains("bias") && !tensor.name.contains("LayerNorm.weight")
      let child = Set(tensor.positions)
      let (old, new) = (try #require(before[tensor.name]), try #require(after[tensor.name]))
      for index in old.indices where !child.contains(UInt32(index)) {
        let expected = decays ? factors.reduce(old[index], *) : old[index]
        #expect(new[index].bitPattern == expected.bitPattern, "\(tensor.name) \(index)")
        outside += 1
        if new[index].bitPattern != old[index].bitPattern { moved += 1 }
      }
    }
    let drift = try #require(result.drift)
    #expect(drift.weights == outside && drift.moved == moved)
    if weightDecay == 0 {
      #expect(moved == 0 && drift.largestRelative == 0)
    } else {
      let product = factors.map(Double.init).reduce(1, *)
      #expect(abs(drift.largestRelative / (1 - product) - 1) < 0.05)
    }
  }

  @Test(arguments: [0.0, 0.3])
  func paperKeepsEveryBitOutsideTheChild(_ weightDecay: Double) throws {
    var bench = try bench(.paper)
    bench.options.weightDecay = weightDecay
    let result = try bench.train()
    let mask = try ParameterMask(path: bench.run.mask)
    let (before, after) = try weights(bench)
    for tensor in mask.tensors {
      let child = Set(tensor.positions)
      let (old, new) = (try #require(before[tensor.name]), try #require(after[tensor.name]))
      #expect(
        old.indices.allSatisfy {
          child.contains(UInt32($0)) || old[$0].bitPattern == new[$0].bitPattern
        }, "\(tensor.name)")
    }
    #expect(result.drift == nil)
  }

  /// What is out of scope trains in `reference` and is frozen in `paper`.
  @Test func embeddingsTrainInReferenceOnly() throws {
    for profile in TuningProfile.allCases {
      let bench = try bench(profile)
      _ = try bench.train()
      let (before, after) = try weights(bench)
      for name in before.keys where name.contains("embeddings") {
        #expect((before[name] != after[name]) == (profile == .reference), "\(profile) \(name)")
      }
      for name in before.keys where name.hasPrefix("classifier") || name.contains("pooler") {
        #expect(before[name] != after[name], "\(profile) \(name)")
      }
    }
  }

  /// `reference` clips by the norm of everything, `paper` by that of what trains.
  @Test func clippingNorms() throws {
    let model = try ReferenceModel("bert")
    let layout = model.network.layout
    let name = "bert.encoder.layer.0.output.dense.weight"
    let mask = try ParameterMask(
      tensors: [
        try MaskedTensor(
          name: name, shape: [36, 68], positions: [1, 5, 900], scores: ScoreSummary())
      ],
      baseFingerprint: Digest.of([]), scored: 36 * 68, keep: 0.01, score: "fisher")
    var norms: [TuningProfile: Double] = [:]
    for profile in TuningProfile.allCases {
      let model = try ReferenceModel("bert")
      let plan = try TrainablePlan.of(
        layout,
        TrainableChoice(
          method: .childD, profile: profile, dense: "classifier", topLayers: 0), mask: mask,
        initialized: [])
      var settings = Trainer.Settings(
        schedule: LearningRateSchedule(peak: 1, totalSteps: 1, warmupRatio: 0), seed: 0)
      (settings.usesDropout, settings.rule, settings.optimizer.weightDecay) = (false, .sgd, 0)
      let batch = try model.batch()
      let before = model.parameters.array()
      let trainer = Trainer(
        network: model.network, parameters: model.parameters, plan: plan, settings: settings,
        limits: BatchLimits(covering: [batch]), compute: Compute(threadCount: 1))
      norms[profile] = trainer.step(batch, targets: try model.targets()).gradientNorm
      // One step at rate 1: the masked tensor's changes are the clipped slopes.
      let parameter = layout[try #require(layout.id(of: name))]
      let slopes = try model.parity.floats("grad." + name)
      let after = model.parameters.array()
      let norm = try #require(norms[profile])
      let scale = min(1, 1 / norm)
      for index in 0..<parameter.count {
        let change = Double(before[parameter.offset + index] - after[parameter.offset + index])
        let expected = [1, 5, 900].contains(index) ? scale * Double(slopes[index]) : 0
        #expect(abs(change - expected) < 1e-6)
      }
    }
    var all = 0.0
    for parameter in layout.parameters {
      all += try model.expectedGradient(parameter).map { Double($0) * Double($0) }.reduce(0, +)
    }
    let whole = try #require(norms[.reference])
    #expect(abs(whole / all.squareRoot() - 1) < 1e-4)
    let part = try #require(norms[.paper])
    #expect(whole > 1 && whole > 1.01 * part)
  }

  /// In Child-Tuning-F the norm is that before masking: what is left may exceed the limit.
  @Test func randomMasksComeAfterClipping() throws {
    let model = try ReferenceModel("bert")
    let layout = model.network.layout
    var settings = Trainer.Settings(
      schedule: LearningRateSchedule(peak: 1, totalSteps: 1, warmupRatio: 0), seed: 0)
    (settings.usesDropout, settings.rule, settings.optimizer.weightDecay) = (false, .sgd, 0)
    settings.recipe.gradientKeep = 0.1
    let before = model.parameters.array()
    let batch = try model.batch()
    let trainer = Trainer(
      network: model.network, parameters: model.parameters,
      plan: TrainablePlan(layout: layout, child: [:], dense: Set(layout.allIDs)),
      settings: settings, limits: BatchLimits(covering: [batch]), compute: Compute(threadCount: 1))
    let report = trainer.step(batch, targets: try model.targets())
    #expect(report.gradientNorm > 1)
    let square = zip(before, model.parameters.array())
      .map { Double($0 - $1) * Double($0 - $1) }.reduce(0, +)
    // E[(g M / p)^2] = g^2 / p: the norm grows from 1 to about sqrt(10).
    #expect(square.squareRoot() > 2 && square.squareRoot() < 4.5)
  }

  @Test func choosingTheChild() throws {
    let (paper, reference) = (try bench(.paper).options, try bench(.reference).options)
    #expect(paper.maskRecipe.threshold == .exact && reference.maskRecipe.threshold == .percentile)
    #expect(paper.maskRecipe.fisher.granularity == .example)
    #expect(reference.maskRecipe.fisher.granularity == .batch)
    #expect(paper.maskRecipe.fisher.clippingNorm == nil)
    #expect(reference.maskRecipe.fisher.clippingNorm == 1)
    #expect(!paper.maskRecipe.fisher.usesDropout && reference.maskRecipe.fisher.usesDropout)
    // On every family the substring selects exactly the encoder's layers.
    for folder in ReferenceModel.folders {
      let layout = try ReferenceModel(folder).network.layout
      #expect(
        try paper.maskRecipe.scored(of: layout) == reference.maskRecipe.scored(of: layout),
        "\(folder)")
    }
  }

  @Test func warmUp() throws {
    for method in MethodPart.allCases {
      let isChild = method == .childD || method == .childF
      #expect(try bench(.paper, method.rawValue).options.resolvedWarmup == 0.1)
      let found = try bench(.reference, method.rawValue).options.resolvedWarmup
      #expect(found == (isChild ? 0 : 0.1))
    }
    var bench = try bench(.reference)
    bench.options.warmup = 0.2
    #expect(bench.options.resolvedWarmup == 0.2)
  }

  /// XLNet's normalisations are not called `LayerNorm`, so the authors' code decays them.
  @Test func whatDecays() throws {
    let layout = try ReferenceModel("xlnet").network.layout
    for parameter in layout.parameters {
      #expect(TuningProfile.paper.decays(parameter) == parameter.role.decays)
      let isSpared = parameter.name.contains("bias")
      #expect(TuningProfile.reference.decays(parameter) == !isSpared, "\(parameter.name)")
    }
    let bert = try ReferenceModel("bert").network.layout
    for parameter in bert.parameters {
      #expect(TuningProfile.reference.decays(parameter) == parameter.role.decays)
    }
  }

  /// A resumed run goes on with its own child in `paper`, and with one chosen anew at the
  /// weights it resumes from in `reference`.
  @Test func masksOfResumedRuns() throws {
    for profile in TuningProfile.allCases {
      let bench = try bench(profile)
      #expect(bench.refusal(RunBench.stopping(after: 4)) == "run.interrupted")
      let first = try ParameterMask(path: bench.run.mask)
      _ = try bench.train(resumes: true)
      let second = try ParameterMask(path: bench.run.mask)
      #expect((first.digest == second.digest) == (profile == .paper), "\(profile)")
    }
    // A mask that was given is never replaced.
    let donor = try bench(.reference)
    _ = try donor.train()
    let mask = try ParameterMask(path: donor.run.mask)
    let bench = try bench(.reference)
    #expect(bench.refusal(RunBench.stopping(after: 4), mask: mask) == "run.interrupted")
    _ = try bench.train(mask: mask, resumes: true)
    #expect(try ParameterMask(path: bench.run.mask).digest == mask.digest)
  }

  /// With keep 1 both profiles are vanilla fine-tuning with the same optimizer.
  @Test func aChildOfEverythingIsVanilla() throws {
    func fingerprint(_ method: String) throws -> Digest {
      var bench = try bench(.reference, method)
      bench.options.warmup = 0.1
      bench.options.settings.keep = 1
      return try bench.train().fingerprint
    }
    let vanilla = try fingerprint("vanilla")
    #expect(try fingerprint("child-d") == vanilla)
    #expect(try fingerprint("child-f") == vanilla)
  }

  @Test func denseTensorsAreNotChosenInReference() throws {
    var bench = try bench(.reference)
    bench.options.dense = "classifier"
    #expect(throws: TuningError.self) { try bench.options.validate() }
    bench.options.profile = .paper
    try bench.options.validate()
  }

  /// The two ways to write AdamW down differ by rounding, and as epsilon grows by more.
  @Test func formsOfAdamW() throws {
    func weights(_ form: AdamW.Form, epsilon: Float) -> [Double] {
      let bench = UpdateBench(count: 64, decays: true)
      var settings = AdamW.Settings(epsilon: epsilon, weightDecay: 0.1)
      settings.form = form
      let adam = AdamW(plan: bench.plan, settings: settings, compute: bench.compute)
      var random = SeededGenerator(seed: 1)
      for index in 0..<64 { bench.weights[index] = random.signedUnit() }
      for step in 1...10 {
        for index in 0..<64 { bench.slopes[index] = random.signedUnit() }
        adam.step(bench.parameters, gradient: bench.gradient, bench.update(step, rate: 1e-2))
      }
      return bench.weights.map(Double.init)
    }
    let (torch, original) = (weights(.torch, epsilon: 1e-8), weights(.original, epsilon: 1e-8))
    // The order of decay and step matters by lr^2 wd a step.
    #expect(Closeness.of(original, torch, absolute: 2e-4, relative: 0).isWithin)
    #expect(original != torch)
    let large = (weights(.torch, epsilon: 0.1), weights(.original, epsilon: 0.1))
    #expect(!Closeness.of(large.1, large.0, absolute: 1e-3, relative: 0).isWithin)
  }
}
