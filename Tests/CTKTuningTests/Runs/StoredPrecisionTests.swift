import CTKCheckpoint
import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// Bases stored in 16 bits: trained in f32, rounded once, judged and exported as stored.
@Suite(.tags(.numeric))
struct StoredPrecisionTests {
  private let base = TemporaryFolder()

  /// The fixture of 16 bits has no tokenizer of its own.
  private func bench(_ dtype: String) throws -> RunBench {
    let whole = Fixtures.path("checkpoints/bert/pt")
    let narrow = Fixtures.path("checkpoints/bert/\(dtype)")
    for name in try Folder.names(in: whole) {
      let source = Folder.fileExists("\(narrow)/\(name)") ? narrow : whole
      try base.write(name, try readSmallFile("\(source)/\(name)"))
    }
    var bench = try RunBench(base: base.path)
    bench.options.learningRate = 0.01
    return bench
  }

  @Test(arguments: [("bf16", DType.bf16), ("f16", .f16)])
  func whatMovedIsRoundedAndTheRestKeepsItsBits(_ folder: String, _ dtype: DType) throws {
    let bench = try bench(folder)
    #expect(bench.refusal(RunBench.stopping(after: 3)) == "run.interrupted")
    let result = try bench.train(resumes: true)
    let run = try FinishedRun(folder: bench.run, base: bench.checkpoint)
    #expect(try Fingerprint.of(run.weights) == result.fingerprint)
    let mask = try #require(run.mask)
    var moved = 0
    for info in bench.checkpoint.weights.tensors {
      let stored = try #require(run.weights.info(of: info.name))
      #expect(stored == info && stored.dtype == dtype)
      if info.name.hasPrefix("classifier") || info.name.contains("pooler") { continue }
      let child = Set(mask.tensor(named: info.name)?.positions ?? [])
      let before = try words(bench.checkpoint.weights, info.name)
      let after = try words(run.weights, info.name)
      for index in before.indices where before[index] != after[index] {
        #expect(child.contains(UInt32(index)), "\(info.name) \(index)")
        moved += 1
      }
    }
    #expect(moved > 100)
    try expectMetricsOfTheStoredModel(bench, run, result)
  }

  private func words(_ source: any TensorSource, _ name: String) throws -> [UInt16] {
    try source.withTensorBytes(name) { Array($0.bindMemory(to: UInt16.self)) }
  }

  /// The run's metrics are those of the rounded weights.
  private func expectMetricsOfTheStoredModel(
    _ bench: RunBench, _ run: FinishedRun, _ result: RunResult
  ) throws {
    let model = try TaskModel.load(
      TaskBase(bench.checkpoint), weights: run.weights, labels: bench.labels, seed: nil)
    let data = model.tokenize(
      bench.data.dev, maxLength: bench.options.maxLength, compute: Compute(threadCount: 1))
    let logits = try Evaluator(
      network: model.network, parameters: model.parameters, compute: Compute(threadCount: 1)
    ).logits(of: data)
    let judge = Judge(labels: bench.labels, metrics: bench.metrics)
    #expect(judge.results(logits: logits, of: data) == result.metrics)
  }

  /// A patch against such a base gives the run's model, and back.
  @Test func patchesAreExact() throws {
    let bench = try bench("bf16")
    let result = try bench.train()
    let run = try FinishedRun(folder: bench.run, base: bench.checkpoint)
    let path = bench.folder.file("p.ctkpatch")
    _ = try PatchExporter.export(
      base: bench.checkpoint.weights, tuned: run.weights, files: [],
      provenance: Provenance(), to: path)
    let patched = try PatchedSource(
      base: bench.checkpoint.weights, patches: [try PatchFile(path: path)])
    #expect(try Fingerprint.of(patched) == result.fingerprint)
  }
}
