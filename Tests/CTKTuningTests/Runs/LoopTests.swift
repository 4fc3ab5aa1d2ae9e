import CTKCheckpoint
import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// Evaluations, early ends and the weights that are kept.
@Suite(.tags(.numeric))
struct LoopTests {
  /// Every option of the loop on its own.
  private static let variants: [(String, @Sendable (inout LoopOptions) -> Void)] = [
    ("cosine", { $0.schedule = .cosine }), ("constant", { $0.schedule = .constant }),
    ("accumulation", { $0.accumulation = 2 }),
    (
      "best",
      {
        $0.keeps = .best
        $0.evaluationInterval = 1
      }
    ),
    (
      "patience",
      {
        $0.patience = 1
        $0.evaluationInterval = 1
        $0.metric = "macro_f1"
      }
    ),
    ("weights", { $0.classWeights = .given([1, 0.5, 2]) }),
    (
      "balanced",
      {
        $0.classWeights = .balanced
        $0.labelSmoothing = 0.1
      }
    ),
    ("layer decay", { $0.layerDecay = 0.7 }),
    ("fresh layers", { $0.reinitializedLayers = 1 }),
  ]

  private func bench(_ variant: Int) throws -> RunBench {
    var bench = try RunBench()
    Self.variants[variant].1(&bench.options.loop)
    bench.options.learningRate = 0.01
    return bench
  }

  private func events(_ bench: RunBench, _ kind: String) throws -> [JSONValue] {
    try readSmallFile(bench.run.log).split(separator: UInt8(ascii: "\n"))
      .map { try JSONParser.parse(Array($0)) }.filter { $0["event"]?.stringValue == kind }
  }

  /// Stopped anywhere, a run ends with the bits of one that was not, whatever its options.
  @Test(arguments: variants.indices, [1, 3, 5])
  func resumesAreExact(_ variant: Int, _ steps: Int) throws {
    let whole = try bench(variant).train()
    let bench = try bench(variant)
    let code = bench.refusal(RunBench.stopping(after: steps))
    if code == nil {
      // It ended before it could be stopped.
      #expect(whole.steps <= steps)
      return
    }
    #expect(code == "run.interrupted")
    let resumed = try bench.train(resumes: true)
    #expect(resumed.fingerprint == whole.fingerprint)
    #expect(resumed.metrics == whole.metrics && resumed.steps == whole.steps)
    let manifest = try RunManifest.read(bench.run)
    #expect(manifest.options == bench.options.json)
  }

  @Test(arguments: variants.indices)
  func otherOptionsAreAnotherRun(_ variant: Int) throws {
    let bench = try bench(variant)
    _ = bench.refusal(RunBench.stopping(after: 1))
    var plain = bench
    plain.options.loop = LoopOptions()
    #expect(plain.refusal(resumes: true) == "run.mismatch")
  }

  /// The weights of the best evaluation are those of a run that ended there.
  @Test func theBestWeightsAreThoseOfTheirStep() throws {
    var bench = try RunBench()
    bench.options.epochs = 4
    bench.options.warmup = 0
    bench.options.learningRate = 0.02
    bench.options.loop.schedule = .constant
    bench.options.loop.keeps = .best
    let result = try bench.train()
    let evaluations = try events(bench, "evaluation")
    #expect(evaluations.count == 4)
    let values = try evaluations.map { try #require($0["metrics"]?["accuracy"]?.doubleValue) }
    let macro = try evaluations.map { try #require($0["metrics"]?["macro_f1"]?.doubleValue) }
    let means = zip(values, macro).map { ($0 + $1) / 2 }
    let best = try #require(means.firstIndex(of: means.max() ?? 0))
    #expect(result.metrics.map(\.value) == [values[best], macro[best]])
    #expect(result.steps == 20 && !Folder.fileExists(bench.run.best))
    var shorter = try RunBench()
    shorter.options = bench.options
    shorter.options.epochs = best + 1
    shorter.options.loop.keeps = .last
    #expect(try shorter.train().fingerprint == result.fingerprint)
    let finished = try FinishedRun(folder: bench.run, base: bench.checkpoint)
    #expect(try Fingerprint.of(finished.weights) == result.fingerprint)
  }

  @Test func aRunEndsWhenNothingIsGained() throws {
    var bench = try RunBench()
    bench.options.epochs = 6
    // Weights that do not move gain nothing after the first evaluation.
    bench.options.learningRate = 1e-12
    bench.options.loop.patience = 2
    bench.options.loop.evaluationInterval = 3
    let result = try bench.train()
    #expect(result.steps == 9)
    #expect(try events(bench, "evaluation").compactMap { $0["step"]?.intValue } == [3, 6, 9])
    #expect(try bench.train(resumes: true) == result)
    Folder.removeTree(bench.run.metrics)
    #expect(try bench.train(resumes: true).fingerprint == result.fingerprint)
  }

  @Test func evaluationsComeEverySoManySteps() throws {
    var bench = try RunBench()
    bench.options.loop.evaluationInterval = 4
    _ = try bench.train()
    #expect(try events(bench, "evaluation").compactMap { $0["step"]?.intValue } == [4, 8, 10])
  }

  /// A fresh layer trains whole, and a resumed look at the run finds its weights.
  @Test func freshLayersAreExported() throws {
    var bench = try RunBench()
    bench.options.loop.reinitializedLayers = 1
    let result = try bench.train()
    let finished = try FinishedRun(folder: bench.run, base: bench.checkpoint)
    #expect(try Fingerprint.of(finished.weights) == result.fingerprint)
    func words(_ source: any TensorSource, _ name: String) throws -> [Float] {
      try source.withTensorBytes(name) { Array($0.bindMemory(to: Float.self)) }
    }
    let upper = "bert.encoder.layer.1.intermediate.dense.weight"
    let (before, after) = (
      try words(bench.checkpoint.weights, upper), try words(finished.weights, upper)
    )
    #expect(zip(before, after).count { $0 == $1 } < before.count / 100)
    let squares = after.reduce(0.0) { $0 + Double($1) * Double($1) }
    let deviation = (squares / Double(after.count)).squareRoot()
    let expected = Double(bench.checkpoint.configuration.initializerRange)
    #expect(abs(deviation - expected) < 0.2 * expected)
  }

  @Test func whatDoesNotFitTheTaskIsRefused() throws {
    func refusal(_ change: (inout RunBench) -> Void) throws -> String? {
      var bench = try RunBench()
      change(&bench)
      let code = bench.refusal()
      #expect(bench.folder.names.isEmpty)
      return code
    }
    #expect(try refusal { $0.options.loop.classWeights = .given([1, 2]) } == "options.invalid")
    #expect(try refusal { $0.options.loop.reinitializedLayers = 3 } == "options.invalid")
    #expect(try refusal { $0.options.loop.metric = "pearson" } == "options.invalid")
    #expect(try refusal { $0.options.loop.metric = "accuracy_mm" } == "options.invalid")
    let scores = TaskData(train: [], dev: [], labels: .score, skippedRows: 0)
    var options = LoopOptions()
    options.labelSmoothing = 0.1
    #expect(throws: TuningError.self) {
      try options.validate(scores, metrics: [.pearson], layerCount: 2)
    }
    let mismatched = TaskData(
      train: [], dev: [], furtherDev: [EvaluationSet(name: "mm", examples: [])],
      labels: .classes(["a"]), skippedRows: 0)
    options.metric = "accuracy_mm"
    try options.validate(mismatched, metrics: [.accuracy], layerCount: 2)
    for change: (inout LoopOptions) -> Void in [
      { $0.accumulation = 0 }, { $0.evaluationInterval = 0 }, { $0.patience = 0 },
      { $0.labelSmoothing = 1 }, { $0.layerDecay = 0 }, { $0.layerDecay = 1.1 },
      { $0.reinitializedLayers = -1 },
    ] {
      var options = LoopOptions()
      change(&options)
      #expect(throws: TuningError.self) { try options.validate() }
    }
    for text in ["", "1,", "a", "-1,2", "0,0", "nan,1"] {
      #expect(throws: TuningError.self) { try ClassWeights(text) }
    }
    #expect(try ClassWeights("1,2.5") == .given([1, 2.5]))
  }
}
