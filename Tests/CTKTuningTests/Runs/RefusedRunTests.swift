import CTKCore
import CTKPatch
import CTKTestSupport
import CTKTuning
import Testing

/// What cannot be run is refused before the run folder appears, so that nothing stands in
/// the way of the next try.
@Suite(.tags(.hostile))
struct RefusedRunTests {
  @Test func aRefusalLeavesNothing() throws {
    var bench = try RunBench()
    bench.labels = .classes(["yes", "no"])
    #expect(bench.refusal() == "tuning.head-mismatch")
    bench.labels = bench.data.labels
    bench.options.scope = "no such tensor"
    #expect(bench.refusal() == "mask.empty-scope")
    bench.options.scope = "encoder"
    bench.options.dense = "("
    #expect(bench.refusal() == "options.pattern-invalid")
    #expect(throws: TuningError.self) { try bench.options.validate() }
    bench.options.dense = nil
    let foreign = try ParameterMask(
      tensors: [], baseFingerprint: Digest.of([1]), scored: 1, keep: 0.1, score: "fisher",
      provenance: Provenance())
    #expect(bench.refusal(mask: foreign) == "mask.wrong-base")
    #expect(bench.folder.names.isEmpty)
    _ = try bench.train()
    #expect(bench.folder.names == ["run"])
  }

  /// A loss that diverges before anything was saved.
  @Test func aRunWithoutASavedStepIsRemoved() throws {
    var bench = try RunBench()
    bench.options.learningRate = 1e30
    bench.options.warmup = 0
    #expect(bench.refusal() == "tuning.not-finite")
    #expect(bench.folder.names.isEmpty)
  }

  @Test func aRefusedReplacementKeepsTheOldRun() throws {
    var bench = try RunBench()
    let first = try bench.train()
    #expect(bench.refusal() == "output.exists")
    bench.options.scope = "no such tensor"
    #expect(bench.refusal(replaces: true) == "mask.empty-scope")
    #expect(try RunResult.read(bench.run) == first)
    bench.options.scope = "encoder"
    bench.options.seed += 1
    let second = try bench.train(replaces: true)
    #expect(second.fingerprint != first.fingerprint)
    #expect(bench.folder.names == ["run"])
  }

  @Test func resumingNeedsARunOrNothing() throws {
    let bench = try RunBench()
    try Folder.create(bench.run.path)
    try bench.folder.write("run/diary.txt", [1, 2, 3])
    #expect(bench.refusal(resumes: true) == "run.missing")
    #expect(try Folder.names(in: bench.run.path) == ["diary.txt"])
    Folder.removeTree(bench.run.path)
    try Folder.create(bench.run.path)
    _ = try bench.train(resumes: true)
    #expect(bench.run.isComplete)
  }

  @Test func metricsThatCannotBeReadAreAnError() throws {
    let bench = try RunBench()
    let result = try bench.train()
    let sound = try JSONParser.parseFile(bench.run.metrics).objectValue ?? JSONObject()
    var damaged = ["", "[]", "{}", "{\"metrics\":{}}"]
    for key in sound.keys {
      var fields = sound
      fields[key] = .null
      damaged.append(JSONValue.object(fields).compactText)
    }
    var strange = sound
    strange["metrics"] = ["mystery": 1]
    damaged.append(JSONValue.object(strange).compactText)
    for text in damaged {
      try bench.folder.write("run/metrics.json", Array(text.utf8))
      #expect(bench.refusal(resumes: true) == "run.state-invalid", "\(text)")
    }
    // As the hint says: without the file the run is finished once more, from its state.
    Folder.removeTree(bench.run.metrics)
    let again = try bench.train(resumes: true)
    #expect(again.fingerprint == result.fingerprint && again.metrics == result.metrics)
  }
}
