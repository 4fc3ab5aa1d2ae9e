import CTKCore
import CTKTestSupport
import Foundation
import Testing

/// Each kind of bad input has its code and exit status, and leaves nothing behind.
@Suite(.tags(.cli, .hostile))
struct ErrorTests {
  @Test func taskData() throws {
    let bench = try Workbench()
    let out = ["--output", bench.path("run")]
    func finetune(_ task: [String]) throws -> (status: Int32, code: String) {
      try bench.failure(["finetune"] + bench.base + task + out)
    }
    try bench.folder.write("empty.tsv", [])
    try bench.folder.write("short.tsv", Array("text\tlabel\nonly a text\n".utf8))
    try bench.folder.write("unknown.tsv", Array("text\tlabel\na class\tnever seen\n".utf8))
    let train = ["--task", "custom", "--train", bench.path("train.tsv"), "--dev"]
    #expect(
      try finetune([
        "--task", "custom", "--train", bench.path("gone.tsv"), "--dev",
        bench.path("dev.tsv"),
      ]) == (66, "data.missing"))
    #expect(try finetune(train + [bench.path("empty.tsv")]) == (65, "data.empty"))
    #expect(try finetune(train + [bench.path("short.tsv")]) == (65, "data.too-few-columns"))
    #expect(try finetune(train + [bench.path("unknown.tsv")]) == (65, "data.label-unknown"))
    #expect(try finetune(["--task", "nonsense", "--data", "."]) == (64, "task.unknown"))
    #expect(!Folder.exists(bench.path("run")))
  }

  @Test func optionsAndScopes() throws {
    let bench = try Workbench()
    let mask = ["mask"] + bench.base + bench.task + ["--output", bench.path("m.mask")]
    #expect(try bench.failure(mask + ["--keep", "0"]) == (64, "mask.keep-invalid"))
    #expect(try bench.failure(mask + ["--keep", "1.5"]) == (64, "mask.keep-invalid"))
    #expect(try bench.failure(mask + ["--scope", "nothing"]) == (65, "mask.empty-scope"))
    #expect(try bench.failure(mask + ["--scope", "("]) == (64, "options.pattern-invalid"))
    #expect(try bench.failure(["mask"] + bench.base) == (64, "usage"))
    #expect(!Folder.fileExists(bench.path("m.mask")))
  }

  /// What a model or its options cannot do is told before any data is looked for.
  @Test(arguments: [
    ("hidden_act", "mish"), ("position_embedding_type", "relative_key_query"),
  ])
  func configurations(_ field: String, _ value: String) throws {
    let bench = try Workbench()
    var config = try JSONParser.parse(try bench.bytes("base/config.json")).objectValue
    config?[field] = .string(value)
    let text = JSONValue.object(try #require(config)).prettyText
    try bench.folder.write("base/config.json", Array(text.utf8))
    let absent = bench.base + ["--task", "rte", "--data", bench.path("absent"), "--output"]
    for command in ["finetune", "mask"] {
      let failure = try bench.failure([command] + absent + [bench.path("out")])
      #expect(failure == (65, "config.unsupported"), "\(command)")
    }
    #expect(!Folder.exists(bench.path("out")) && !Folder.fileExists(bench.path("out")))
  }

  @Test func headsOfOtherTasks() throws {
    let bench = try Workbench()
    let tuned = ["--base", Fixtures.path("checkpoints/bert/pt")]
    let absent = tuned + ["--data", bench.path("absent"), "--output", bench.path("out")]
    for command in ["finetune", "mask"] {
      let failure = try bench.failure([command, "--task", "stsb"] + absent)
      #expect(failure == (65, "tuning.head-mismatch"), "\(command)")
    }
  }

  @Test func tokenizersOfOtherModels() throws {
    let bench = try Workbench()
    Folder.removeTree(bench.path("base/tokenizer.json"))
    let vocabulary = try readSmallFile(Fixtures.path("checkpoints/bert/pt/vocab.txt"))
    let more = (0..<5000).map { "extra\($0)\n" }.joined()
    try bench.folder.write("base/vocab.txt", vocabulary + Array(more.utf8))
    let absent = bench.base + ["--task", "rte", "--data", bench.path("absent"), "--output"]
    for command in ["finetune", "mask"] {
      let failure = try bench.failure([command] + absent + [bench.path("out")])
      #expect(failure == (65, "tuning.tokenizer-mismatch"), "\(command)")
    }
  }

  @Test(arguments: [
    (["--schedule", "steps"], "usage"), (["--weights", "worst"], "usage"),
    (["--class-weights", "1,x"], "options.invalid"), (["--patience", "0"], "options.invalid"),
    (["--accumulation", "0"], "options.invalid"), (["--layer-decay", "2"], "options.invalid"),
    (["--label-smoothing", "1"], "options.invalid"),
    (["--class-weights", "1,2"], "options.invalid"), (["--metric", "pearson"], "options.invalid"),
    (["--reinitialize", "9"], "options.invalid"),
  ])
  func loopOptions(_ options: [String], _ code: String) throws {
    let bench = try Workbench()
    let failure = try bench.failure(
      ["finetune"] + bench.base + bench.task + options + ["--output", bench.path("run")])
    #expect(failure == (64, code))
    #expect(!Folder.exists(bench.path("run")))
  }

  @Test(arguments: [
    (["--method", "lora"], "method.unknown"),
    (["--method", "child-d+child-f"], "method.contradictory"),
    (["--method", "vanilla+r3f"], "method.contradictory"),
    (["--method", "child-f", "--keep", "0"], "mask.keep-invalid"),
    (["--method", "child-d", "--keep", "1.5"], "mask.keep-invalid"),
    (["--method", "vanilla", "--keep", "0.5"], "method.contradictory"),
    (["--method", "child-f", "--scope", "all"], "method.contradictory"),
    (["--method", "r3f", "--mixout", "0.5"], "method.contradictory"),
    (["--method", "mixout", "--mixout", "1"], "options.invalid"),
    (["--method", "top-k", "--top-layers=-1"], "options.invalid"),
    (["--method", "top-k", "--top-layers", "3"], "options.invalid"),
    (["--method", "recadam", "--recadam-strength", "50000"], "options.invalid"),
    (["--method", "recadam", "--optimizer", "sgd"], "method.contradictory"),
    (["--profile", "reference", "--dense", "pooler"], "method.contradictory"),
    (["--method", "r3f", "--r3f-noise", "loud"], "usage"),
    (["--profile", "arxiv"], "usage"),
  ])
  func methods(_ options: [String], _ code: String) throws {
    let bench = try Workbench()
    let found = try bench.failure(
      ["finetune"] + bench.base + bench.task + ["--output", bench.path("run")] + options)
    #expect(found == (64, code))
    #expect(!Folder.exists(bench.path("run")))
  }

  @Test func outputsAreNotReplaced() throws {
    let bench = try Workbench()
    let again = try bench.failure([
      "import", Fixtures.path("checkpoints/bert/pt"), "--output", bench.path("base"),
    ])
    #expect(again == (73, "output.exists"))
    let before = try bench.bytes("base/model.safetensors")
    _ = try bench.json([
      "import", Fixtures.path("checkpoints/bert/pt"), "--output", bench.path("base"), "--force",
    ])
    #expect(try bench.bytes("base/model.safetensors") != before)
  }

  @Test func checkpoints() throws {
    let bench = try Workbench()
    #expect(try bench.failure(["inspect", bench.path("gone")]).status == 66)
    let foreign = try bench.failure([
      "predict", "--base", Fixtures.path("checkpoints/bert/pt-base"), "text",
    ])
    #expect(foreign == (65, "checkpoint.not-canonical"))
    #expect(
      try bench.failure(["predict"] + bench.base + ["text"]) == (65, "model.tensor-missing"))
    try bench.folder.write(
      "cut.safetensors", Array(try bench.bytes("base/model.safetensors")[..<999]))
    #expect(try bench.failure(["inspect", bench.path("cut.safetensors")]).status == 65)
    let long = (0..<99).map { _ in "5" }.joined(separator: ",")
    let tooLong = try bench.failure(
      [
        "predict", "--base", Fixtures.path("checkpoints/bert/pt"), "--input",
        try bench.folder.write("long.jsonl", Array("{\"input_ids\":[\(long)]}\n".utf8)),
      ])
    #expect(tooLong == (65, "model.sequence-too-long"))
  }

  @Test func patchesAndBases() throws {
    let bench = try Workbench()
    _ = try bench.json(
      ["finetune"] + bench.base + bench.task + bench.recipe + ["--output", bench.path("run")])
    _ = try bench.json(
      ["export-delta"] + bench.base
        + ["--run", bench.path("run"), "--output", bench.path("p.ctkpatch")])
    let patch = ["--patch", bench.path("p.ctkpatch")]
    _ = try bench.json(["apply"] + bench.base + patch + ["--output", bench.path("tuned")])
    let twice = try bench.failure(
      ["apply", "--base", bench.path("tuned")] + patch + ["--output", bench.path("x")])
    #expect(twice == (65, "patch.already-applied"))

    var other = try bench.bytes("base/model.safetensors")
    other[other.count - 1] ^= 1
    try FileManager.default.copyItem(atPath: bench.path("base"), toPath: bench.path("other"))
    try bench.folder.write("other/model.safetensors", other)
    let wrong = try bench.failure(
      ["apply", "--base", bench.path("other")] + patch + ["--output", bench.path("x")])
    #expect(wrong == (65, "patch.wrong-base"))
    let mask = try bench.failure(
      ["finetune", "--base", bench.path("other")] + bench.task + bench.recipe
        + ["--mask", bench.path("run/mask.safetensors"), "--output", bench.path("y")])
    #expect(mask == (65, "mask.wrong-base"))
    let differs = try bench.ctk(["verify"] + patch + ["--base", bench.path("other"), "--json"])
    #expect(differs.status == 2)
    #expect(try differs.jsonLines.last?["first_difference"]?.stringValue != nil)
    #expect(!Folder.exists(bench.path("x")))
    #expect(bench.folder.names.allSatisfy { !$0.contains(".partial-") })
  }

  /// `--force` removes a whole folder, so it must be one that ctk could have written.
  @Test func forceSparesForeignFolders() throws {
    let bench = try Workbench()
    try Folder.create(bench.path("home"))
    try bench.folder.write("home/letter.txt", [1])
    let commands = [
      ["import", Fixtures.path("checkpoints/bert/pt")],
      ["finetune"] + bench.base + bench.task,
      ["finetune"] + bench.base + bench.task + ["--resume"],
    ]
    for command in commands {
      let refused = try bench.failure(command + ["--output", bench.path("home"), "--force"])
      #expect(refused.status == (command.contains("--resume") ? 66 : 73))
    }
    let file = try bench.failure([
      "import", Fixtures.path("checkpoints/bert/pt"), "--force", "--output",
      bench.path("train.tsv"),
    ])
    #expect(file == (73, "output.cannot-create"))
    #expect(try Folder.names(in: bench.path("home")) == ["letter.txt"])
  }

  /// What is missing or not finite is reported, or refused where that was asked for.
  @Test func flawedWeights() throws {
    let folder = TemporaryFolder()
    let cases = [
      ("missing-layer-tensor", "import.tensor-missing"),
      ("values-not-finite", "import.not-finite"),
    ]
    for (name, code) in cases {
      let arguments = [
        "import", Fixtures.path("checkpoints/malformed/models/" + name), "--output",
        folder.file(name), "--json",
      ]
      let refused = try CommandLineTool.run(arguments + ["--strict"])
      #expect(refused.status == 65)
      #expect(try refused.jsonLines.last?["error"]?["code"]?.stringValue == code)
      #expect(folder.names.allSatisfy { !$0.hasPrefix(name) })
      let accepted = try CommandLineTool.run(arguments)
      #expect(accepted.status == 0, "\(accepted.output)")
      let report = try #require(try accepted.jsonLines.last)
      let listed = name.hasPrefix("missing") ? report["missing"] : report["not_finite"]
      #expect(listed?.arrayValue?.isEmpty == false)
    }
  }
}
