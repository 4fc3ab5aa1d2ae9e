import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// The whole flow for every encoder family, on its tiny reference model.
@Suite(.tags(.cli))
struct FamilyFlowTests {
  /// A family and what the flow must find in it.
  struct Family: Sendable, CustomStringConvertible {
    let name: String
    /// Fixture with a tokenizer of the family's own kind.
    let tokenizer: String
    let labels: [String]
    let layers: String
    let dense: [String]

    var description: String { name }
  }

  static let families = [
    Family(
      name: "bert", tokenizer: "checkpoints/bert/pt",
      labels: ["contradiction", "entailment", "neutral"],
      layers: "bert.encoder.layer.", dense: ["bert.pooler.", "classifier."]),
    Family(
      name: "roberta", tokenizer: "checkpoints/roberta/pt", labels: ["negative", "positive"],
      layers: "roberta.encoder.layer.", dense: ["classifier."]),
    Family(
      name: "electra", tokenizer: "checkpoints/electra/pt",
      labels: ["contradiction", "entailment", "neutral"],
      layers: "electra.encoder.layer.", dense: ["classifier."]),
    Family(
      name: "distilbert", tokenizer: "checkpoints/distilbert/pt",
      labels: ["contradiction", "entailment", "neutral"],
      layers: "distilbert.transformer.layer.", dense: ["pre_classifier.", "classifier."]),
    Family(
      name: "xlnet", tokenizer: "text/spm-xlnet", labels: ["negative", "positive"],
      layers: "transformer.layer.", dense: ["sequence_summary.", "logits_proj."]),
  ]

  @Test(arguments: families)
  func importToRevert(_ family: Family) throws {
    let bench = try FamilyBench(family)
    let imported = try bench.importing(Fixtures.path("checkpoints/\(family.name)/pt"))
    let mask = try bench.json(
      ["mask"] + bench.task + ["--keep", "0.1", "--output", bench.path("m.mask")])
    #expect(try #require(mask["selected"]?.intValue) > 0)
    let masked = try ParameterMask(path: bench.path("m.mask")).tensors
    #expect(masked.allSatisfy { $0.name.hasPrefix(family.layers) })

    let run = try bench.finetuning(["--mask", bench.path("m.mask")])
    let patch = try bench.exporting()
    #expect(patch["target_fingerprint"] == run["fingerprint"])
    #expect(patch["base_fingerprint"] == imported["fingerprint"])
    let applied = try bench.json(
      ["apply", "--base", bench.path("base"), "--patch", bench.path("p"), "--output"]
        + [bench.path("tuned")])
    #expect(applied["fingerprint"] == run["fingerprint"])
    let reverted = try bench.json(
      ["revert", "--model", bench.path("tuned"), "--patch", bench.path("p"), "--output"]
        + [bench.path("again")])
    #expect(reverted["fingerprint"] == imported["fingerprint"])

    let onBase = try bench.json(["evaluate", "--patch", bench.path("p")] + bench.task)
    let onTuned = try bench.json(
      ["evaluate"] + bench.task(base: bench.path("tuned")))
    #expect(onBase["metrics"] == run["metrics"])
    #expect(onTuned["metrics"] == run["metrics"])
    try expectOnlyChildAndDenseMoved(bench, masked, family)
    try expectPredictions(bench, family)
  }

  /// Weights move in the child and the dense tensors, and nowhere else.
  private func expectOnlyChildAndDenseMoved(
    _ bench: FamilyBench, _ masked: [MaskedTensor], _ family: Family
  ) throws {
    let base = try SafetensorsCheckpoint(path: bench.path("base"))
    let tuned = try SafetensorsCheckpoint(path: bench.path("tuned"))
    var moved: Set<String> = []
    for info in base.tensors {
      let before = try bench.words(info.name, of: base)
      let after = try bench.words(info.name, of: tuned)
      let child = Set(masked.first { $0.name == info.name }?.positions ?? [])
      let isDense = family.dense.contains { info.name.hasPrefix($0) }
      for index in before.indices where before[index] != after[index] {
        #expect(isDense || child.contains(UInt32(index)), "\(info.name) \(index)")
        moved.insert(info.name)
      }
    }
    for prefix in family.dense + [family.layers] {
      #expect(moved.contains { $0.hasPrefix(prefix) }, "\(prefix)")
    }
  }

  /// The same label from base with patch and from the tuned model, and hidden states of
  /// every token.
  private func expectPredictions(_ bench: FamilyBench, _ family: Family) throws {
    let text = "the license of this work"
    let states = bench.path("states.safetensors")
    let onBase = try bench.bench(
      ["predict", "--base", bench.path("base"), "--patch", bench.path("p"), text])
    let onTuned = try bench.bench(
      ["predict", "--base", bench.path("tuned"), "--hidden-states", states, text])
    #expect(onBase.status == 0 && onBase.output == onTuned.output, "\(onBase.errors)")
    let line = try #require(try onTuned.jsonLines.last)
    #expect(family.labels.contains(line["label"]?.stringValue ?? ""))
    let hidden = try SafetensorsFile(path: states)
    #expect(try hidden.requireInfo(of: "hidden_states.0").shape[0] > 5)
  }

  /// A base without a head gets one, and the patch brings it along.
  @Test(arguments: families)
  func aBaseWithoutAHeadGetsOne(_ family: Family) throws {
    let bench = try FamilyBench(family)
    _ = try bench.importing(try bench.headless())
    let missing = try bench.failure(["evaluate"] + bench.task)
    #expect(missing == (65, "model.tensor-missing"))
    let run = try bench.finetuning([])
    _ = try bench.exporting()
    let evaluated = try bench.json(["evaluate", "--patch", bench.path("p")] + bench.task)
    #expect(evaluated["metrics"] == run["metrics"])
    let applied = try bench.json(
      ["apply", "--base", bench.path("base"), "--patch", bench.path("p"), "--output"]
        + [bench.path("tuned")])
    #expect(applied["fingerprint"] == run["fingerprint"])
    let tuned = try SafetensorsCheckpoint(path: bench.path("tuned"))
    for prefix in family.dense {
      #expect(tuned.tensors.contains { $0.name.hasPrefix(prefix) }, "\(prefix)")
    }
  }
}

/// A folder with a family's base and a small task for its labels.
private struct FamilyBench {
  let family: FamilyFlowTests.Family
  let folder = TemporaryFolder()

  init(_ family: FamilyFlowTests.Family) throws {
    self.family = family
    let words = ["license", "class", "value"]
    var (train, dev) = ("text\tlabel\n", "text\tlabel\n")
    for row in 0..<32 {
      let label = family.labels[row % family.labels.count]
      let line = "the \(words[row % family.labels.count]) of this \(words[row / 3 % 3])\t\(label)\n"
      if row % 4 == 3 { dev += line } else { train += line }
    }
    try folder.write("train.tsv", Array(train.utf8))
    try folder.write("dev.tsv", Array(dev.utf8))
  }

  func path(_ name: String) -> String { folder.file(name) }

  var task: [String] { task(base: path("base")) }

  func task(base: String) -> [String] {
    [
      "--base", base, "--task", "custom", "--train", path("train.tsv"), "--dev", path("dev.tsv"),
      "--max-length", "16",
    ]
  }

  func importing(_ source: String) throws -> JSONValue {
    try json([
      "import", source, "--tokenizer", Fixtures.path(family.tokenizer),
      "--output", path("base"),
    ])
  }

  func finetuning(_ arguments: [String]) throws -> JSONValue {
    try json(
      ["finetune"] + task + arguments
        + ["--epochs", "1", "--batch-size", "8", "--threads", "1", "--output", path("run")])
  }

  func exporting() throws -> JSONValue {
    try json(["export-delta", "--base", path("base"), "--run", path("run"), "--output", path("p")])
  }

  /// The reference model without the tensors of its head.
  func headless() throws -> String {
    let source = Fixtures.path("checkpoints/\(family.name)/pt")
    let weights = try SafetensorsFile(path: source + "/model.safetensors")
    let kept = weights.tensors.filter { info in
      !family.dense.contains { info.name.hasPrefix($0) }
    }
    let target = path("headless")
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    var writer = try SafetensorsWriter(
      path: target + "/model.safetensors", tensors: kept, metadata: ["format": "pt"],
      replacesExisting: false)
    for info in writer.order {
      try weights.withTensorBytes(info.name) { try writer.write($0) }
    }
    try writer.commit()
    var fields = try #require(
      try JSONParser.parseFile(source + "/config.json").objectValue)
    fields["id2label"] = nil
    fields["label2id"] = nil
    fields["architectures"] = []
    try folder.write("headless/config.json", Array(JSONValue.object(fields).prettyText.utf8))
    return target
  }

  func bench(_ arguments: [String]) throws -> ToolRun { try CommandLineTool.run(arguments) }

  func json(_ arguments: [String]) throws -> JSONValue {
    let run = try bench(arguments + ["--json"])
    #expect(run.status == 0, "\(arguments): \(run.output) \(run.errors)")
    return try #require(try run.jsonLines.last)
  }

  func failure(_ arguments: [String]) throws -> (status: Int32, code: String) {
    let run = try bench(arguments + ["--json"])
    return (run.status, try run.jsonLines.last?["error"]?["code"]?.stringValue ?? "")
  }

  func words(_ name: String, of source: any TensorSource) throws -> [UInt32] {
    try source.withTensorBytes(name) { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self) }
    }
  }
}
