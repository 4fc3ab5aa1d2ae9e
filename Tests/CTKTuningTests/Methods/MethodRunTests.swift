import CTKCheckpoint
import CTKCore
import CTKSafetensors
import CTKTestSupport
import CTKTuning
import Testing

/// Runs of the methods from their options to their weights.
@Suite(.tags(.numeric))
struct MethodRunTests {
  static let methods = [
    "child-f", "top-k", "weight-decay", "mixout", "recadam", "r3f", "child-d+r3f",
    "top-k+child-f+mixout+r3f", "child-d+recadam",
  ]

  private func bench(_ method: String) throws -> RunBench {
    var bench = try RunBench()
    bench.options.method = try TuningMethod(method)
    bench.options.settings.topLayers = 1
    bench.options.settings.recAdam.midpoint = 4
    bench.options.settings.r3f.epsilon = 0.01
    return bench
  }

  /// Wherever a session ends, the run ends with the bits of one that was not interrupted.
  @Test(arguments: methods)
  func resumedRunsHaveTheSameBits(_ method: String) throws {
    let whole = try bench(method).train()
    let bench = try bench(method)
    #expect(bench.refusal(RunBench.stopping(after: 3)) == "run.interrupted")
    #expect(bench.refusal(RunBench.stopping(after: 4), resumes: true) == "run.interrupted")
    let resumed = try bench.train(resumes: true)
    #expect(resumed.fingerprint == whole.fingerprint && resumed.steps == whole.steps)
  }

  /// Every method does something of its own.
  @Test func noTwoMethodsGiveTheSameWeights() throws {
    let results = try (Self.methods + ["vanilla", "child-d"]).map { method in
      var bench = try bench(method)
      bench.options.learningRate = 1e-4
      bench.options.weightDecay = 0
      return try bench.train().fingerprint
    }
    #expect(Set(results.map(\.hex)).count == results.count)
  }

  /// Without plain gradient descent's moments a state is the weights alone.
  @Test func gradientDescentResumesToo() throws {
    var bench = try bench("child-f")
    bench.options.optimizer = .sgd
    let whole = try bench.train()
    var other = try self.bench("child-f")
    other.options.optimizer = .sgd
    #expect(other.refusal(RunBench.stopping(after: 3)) == "run.interrupted")
    #expect(try other.train(resumes: true).fingerprint == whole.fingerprint)
  }

  /// At their neutral settings the methods are vanilla fine-tuning, bit for bit.
  @Test(arguments: ["child-d", "child-f", "mixout", "weight-decay", "top-k"])
  func neutralSettingsAreVanilla(_ method: String) throws {
    func fingerprint(_ method: String) throws -> Digest {
      var bench = try bench(method)
      bench.options.learningRate = 1e-3
      bench.options.weightDecay = 0.01
      bench.options.scope = "."
      bench.options.settings.keep = 1
      bench.options.settings.mixout = 0
      bench.options.settings.pull = 0
      bench.options.settings.topLayers = 2
      // The lowest layer stands on the embeddings, which top-k leaves frozen.
      if method == "top-k" { bench.options.dense = "." }
      return try bench.train().fingerprint
    }
    let found = try fingerprint(method)
    if method == "mixout" {
      // Mixout runs without dropout, which alone tells it from vanilla.
      #expect(try fingerprint("vanilla") != found)
    } else {
      #expect(try fingerprint("vanilla") == found)
    }
  }

  @Test func topKLeavesTheRestAlone() throws {
    var bench = try bench("top-k")
    bench.options.settings.topLayers = 3
    #expect(bench.refusal() == "options.invalid")
    bench.options.settings.topLayers = 1
    _ = try bench.train()
    let run = try FinishedRun(folder: bench.run, base: bench.checkpoint)
    for info in bench.checkpoint.weights.tensors {
      let before = try bench.checkpoint.weights.withTensorBytes(info.name) { Array($0) }
      let after = try run.weights.withTensorBytes(info.name) { Array($0) }
      let trains = !info.name.contains("embeddings") && !info.name.contains(".layer.0.")
      // Key biases have no gradient and do not decay.
      if !info.name.contains("key.bias") {
        #expect((before != after) == trains, "\(info.name)")
      }
    }
  }
}
