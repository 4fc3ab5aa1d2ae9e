import CTKCheckpoint
import CTKCore
import CTKPatch
import CTKTestSupport
import CTKTuning
import Testing

@Suite(.tags(.numeric))
struct ResumedRunTests {
  /// Wherever a session ends, the run ends with the bits of one that was not interrupted.
  @Test(arguments: 1...9)
  func stoppedAfterAnyStep(_ steps: Int) throws {
    let whole = try RunBench().train()
    let bench = try RunBench()
    #expect(bench.refusal(RunBench.stopping(after: steps)) == "run.interrupted")
    #expect(!bench.run.isComplete)
    let resumed = try bench.train(resumes: true)
    #expect(resumed.fingerprint == whole.fingerprint)
    #expect(resumed.metrics == whole.metrics)
    #expect(resumed.steps == whole.steps)
  }

  @Test func othersMayNotContinueARun() throws {
    let bench = try RunBench()
    _ = bench.refusal(RunBench.stopping(after: 2))
    func refused(_ change: (inout RunBench) -> Void) -> String? {
      var other = bench
      change(&other)
      return other.refusal(resumes: true)
    }
    #expect(refused { $0.labels = .classes(["a", "b", "c"]) } == "run.mismatch")
    #expect(refused { $0.metrics = [.accuracy] } == "run.mismatch")
    #expect(refused { $0.options.seed += 1 } == "run.mismatch")
    let mask = try ParameterMask(path: bench.run.mask)
    #expect(bench.refusal(mask: mask, resumes: true) == "run.mismatch")
    #expect(refused { _ in } == nil)
  }

  /// A run begun with a mask goes on with that mask and no other.
  @Test func aGivenMaskIsPartOfTheRun() throws {
    let donor = try RunBench()
    _ = try donor.train()
    let mask = try ParameterMask(path: donor.run.mask)
    let bench = try RunBench()
    #expect(bench.refusal(RunBench.stopping(after: 2), mask: mask) == "run.interrupted")
    #expect(try RunManifest.read(bench.run).mask == mask.digest)
    #expect(bench.refusal(resumes: true) == "run.mismatch")
    #expect(try bench.train(mask: mask, resumes: true).steps == 10)
  }

  @Test func aGivenMaskIsKeptByteForByte() throws {
    let donor = try RunBench()
    _ = try donor.train()
    let bench = try RunBench()
    _ = try bench.train(mask: ParameterMask(path: donor.run.mask))
    let paths = [bench.givenMask, bench.run.mask, donor.run.mask]
    let files = try paths.map { try MappedFile(path: $0).withBytes { Array($0) } }
    #expect(files[1] == files[0])
    #expect(files[1] != files[2])
  }

  @Test func statesAreNotTrusted() throws {
    let bench = try RunBench()
    _ = bench.refusal(RunBench.stopping(after: 2))
    for step in ["", "0", "-1", "11", "2.5", "two"] {
      try bench.rewriteState(metadata: ["step": step])
      #expect(bench.refusal(resumes: true) == "run.state-invalid", "\(step)")
    }
    try bench.rewriteState(metadata: ["step": "2", "plan": Digest.of([]).hex])
    #expect(bench.refusal(resumes: true) == "run.state-invalid")
  }

  @Test(arguments: ["weights", "first_moment", "second_moment"])
  func aStateWithoutAVectorIsRefused(_ name: String) throws {
    let bench = try RunBench()
    _ = bench.refusal(RunBench.stopping(after: 2))
    try bench.rewriteState(without: name)
    #expect(bench.refusal(resumes: true) == "run.state-invalid")
  }

  @Test func manifestsAreReadStrictly() throws {
    let bench = try RunBench()
    _ = bench.refusal(RunBench.stopping(after: 2))
    let sound = try JSONParser.parseFile(bench.run.manifest).objectValue ?? JSONObject()
    #expect(try RunManifest.read(bench.run) == bench.manifest())
    let changes: [(String, JSONValue)] = [
      ("labels", ["a", 1]), ("labels", []), ("metrics", ["mystery"]), ("metrics", []),
      ("mask", "no digest"), ("schema", "a run"),
    ]
    for (key, value) in changes {
      var fields = sound
      fields[key] = value
      try bench.folder.write(
        "run/manifest.json", Array(JSONValue.object(fields).compactText.utf8))
      #expect(bench.refusal(resumes: true) == "run.state-invalid", "\(key) \(value)")
    }
  }

  @Test func runsOfOtherVersionsAreNamed() throws {
    let bench = try RunBench()
    _ = bench.refusal(RunBench.stopping(after: 2))
    var fields = try JSONParser.parseFile(bench.run.manifest).objectValue ?? JSONObject()
    fields["schema"] = "ctk-run/1"
    try bench.folder.write(
      "run/manifest.json", Array(JSONValue.object(fields).compactText.utf8))
    #expect(bench.refusal(resumes: true) == "run.unsupported")
  }

  /// The model can be asked for when the run is over already.
  @Test func aFinishedRunStillSavesItsModel() throws {
    let bench = try RunBench()
    let result = try bench.train()
    #expect(!Folder.exists(bench.run.model))
    var session = FinetuneSession()
    session.savesModel = true
    session.plots = true
    #expect(try bench.train(session, resumes: true) == result)
    let saved = try Checkpoint.open(bench.run.model)
    #expect(try saved.fingerprint() == result.fingerprint)
    #expect(saved.tokenizerFiles == bench.checkpoint.tokenizerFiles)
    let plot = String(decoding: try readSmallFile(bench.run.plot), as: UTF8.self)
    #expect(plot.hasPrefix("<svg") && plot.contains("macro_f1"))
    let curves = plot.matches(of: /points="([^"]*)"/).map {
      $0.1.split(separator: " ").count
    }
    // Losses and their mean, the learning rate, and two metrics after each epoch.
    #expect(curves == [result.steps, result.steps, result.steps, 2, 2])
  }
}
