import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Testing

/// The path every user takes, on a tiny model: nothing may be lost on the way.
@Suite(.tags(.cli))
struct FlowTests {
  @Test func importToRevert() throws {
    let bench = try Workbench()
    let base = try bench.json(["inspect", bench.path("base")])["fingerprint"]?.stringValue
    let mask = try bench.json(
      ["mask"] + bench.base + bench.task + ["--keep", "0.1", "--output", bench.path("m.mask")])
    let scored = try #require(mask["scored"]?.intValue)
    #expect(mask["selected"]?.intValue == Int((0.1 * Double(scored)).rounded()))

    let run = try bench.json(
      ["finetune"] + bench.base + bench.task + bench.recipe
        + ["--mask", bench.path("m.mask"), "--output", bench.path("run"), "--save-model"])
    for field in [
      "metrics", "steps", "seconds", "tokens_per_second", "median_step_seconds",
      "peak_memory_bytes", "fingerprint", "schema",
    ] { #expect(run[field] != nil, "\(field)") }

    let patch = try bench.json(
      ["export-delta"] + bench.base
        + ["--run", bench.path("run"), "--output", bench.path("p.ctkpatch")])
    #expect(patch["target_fingerprint"] == run["fingerprint"])
    #expect(patch["base_fingerprint"]?.stringValue == base)

    let patched = ["--patch", bench.path("p.ctkpatch")]
    let applied = try bench.json(
      ["apply"] + bench.base + patched + ["--output", bench.path("tuned")])
    #expect(applied["fingerprint"] == run["fingerprint"])
    let saved = try bench.json(["inspect", bench.path("run/model")])
    #expect(saved["fingerprint"] == run["fingerprint"])
    let verified = try bench.json(
      ["verify"] + patched + bench.base + ["--tuned", bench.path("tuned")])
    #expect(verified["ok"] == true)

    let reverted = try bench.json(
      ["revert", "--model", bench.path("tuned")] + patched + ["--output", bench.path("again")])
    #expect(reverted["fingerprint"]?.stringValue == base)
    for file in ["model.safetensors", "config.json"] {
      #expect(try bench.bytes("again/\(file)") == bench.bytes("base/\(file)"), "\(file)")
    }
    try expectEqualMetrics(bench, run, patched)
    try expectFrozenWeights(bench)
  }

  private func expectEqualMetrics(
    _ bench: Workbench, _ run: JSONValue, _ patched: [String]
  ) throws {
    let onBase = try bench.json(["evaluate"] + bench.base + patched + bench.task)
    let onTuned = try bench.json(["evaluate", "--base", bench.path("tuned")] + bench.task)
    #expect(onBase["metrics"] == run["metrics"])
    #expect(onTuned["metrics"] == run["metrics"])
    let prediction = try bench.ctk(
      ["predict"] + bench.base + patched + ["the license of this work"])
    let line = try #require(try prediction.jsonLines.last)
    #expect(["license", "class", "value"].contains(line["label"]?.stringValue))
    #expect(line["probabilities"]?.arrayValue?.count == 3)
  }

  /// Every weight outside the mask and the dense tensors keeps its bits.
  private func expectFrozenWeights(_ bench: Workbench) throws {
    let base = try SafetensorsCheckpoint(path: bench.path("base"))
    let tuned = try SafetensorsCheckpoint(path: bench.path("tuned"))
    let mask = try ParameterMask(path: bench.path("m.mask"))
    var moved = 0
    for info in base.tensors where !info.name.hasPrefix("bert.pooler.") {
      let before = try words(info.name, of: base)
      let after = try words(info.name, of: tuned)
      let child = Set(mask.tensor(named: info.name)?.positions ?? [])
      for index in before.indices where before[index] != after[index] {
        #expect(child.contains(UInt32(index)), "\(info.name) \(index)")
        moved += 1
      }
    }
    #expect(moved > mask.selected / 2)
  }

  private func words(_ name: String, of source: any TensorSource) throws -> [UInt32] {
    try source.withTensorBytes(name) { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
    }
  }

  /// The same weights from TensorFlow's HDF5 and from PyTorch have one fingerprint.
  @Test(arguments: ["tf", "tf-unscoped", "sharded", "flat/flat.h5", "flat/flat-gzip.h5"])
  func containersShareAFingerprint(_ source: String) throws {
    let bench = try Workbench()
    let tokenizer = ["--tokenizer", Fixtures.path("checkpoints/bert/pt")]
    let reference = try bench.json(
      ["import", Fixtures.path("checkpoints/bert/pt"), "--output", bench.path("pt")])
    let other = try bench.json(
      ["import", Fixtures.path("checkpoints/bert/" + source), "--output", bench.path("other")]
        + tokenizer)
    #expect(other["fingerprint"] == reference["fingerprint"])
    #expect(other["missing"] == [])
  }

  /// Methods that move everything, and patches of theirs that still revert to the bit.
  @Test(arguments: [
    ["--method", "vanilla"], ["--method", "child-f+mixout+r3f"], ["--profile", "reference"],
  ])
  func roundTripsOfWholeNetworks(_ method: [String]) throws {
    let bench = try Workbench()
    let run = try bench.json(
      ["finetune"] + bench.base + bench.task + bench.recipe
        + method + ["--output", bench.path("run")])
    let drift = run["drift"]?["moved"]?.intValue ?? 0
    #expect((drift > 0) == method.contains("reference"))
    _ = try bench.json(
      ["export-delta"] + bench.base
        + ["--run", bench.path("run"), "--output", bench.path("p.ctkpatch")])
    let change = ["--patch", bench.path("p.ctkpatch"), "--in-place"]
    let applied = try bench.json(["apply"] + bench.base + change)
    #expect(applied["fingerprint"] == run["fingerprint"])
    _ = try bench.json(["revert", "--model", bench.path("base")] + change)
    let again = try bench.json(["inspect", bench.path("base")])
    let patch = try bench.json(["inspect", bench.path("p.ctkpatch")])
    #expect(again["fingerprint"] == patch["base_fingerprint"])
  }
}
