import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite(.tags(.cli))
struct MaskCommandTests {
  private let bench: Workbench

  init() throws { bench = try Workbench() }

  private func mask(_ name: String, _ options: String...) throws -> JSONValue {
    try bench.json(
      ["mask"] + bench.base + bench.task + options + ["--output", bench.path(name)])
  }

  @Test func masksAreCombined() throws {
    let first = try mask("a.ctkmask", "--keep", "0.2")
    _ = try mask("b.ctkmask", "--keep", "0.2", "--labels", "sampled", "--clip", "1")
    let rest = try bench.json([
      "mask-set", "complement", bench.path("a.ctkmask"), "--output", bench.path("rest.ctkmask"),
    ])
    let selected = try #require(first["selected"]?.intValue)
    let scored = try #require(first["scored"]?.intValue)
    #expect(rest["selected"]?.intValue == scored - selected)
    #expect(
      rest["provenance"]?["hyperparameters"]?["masks"]?.arrayValue
        == [try #require(first["digest"])])
    let both = try bench.json([
      "mask-set", "intersection", bench.path("a.ctkmask"), bench.path("rest.ctkmask"),
      "--output", bench.path("none.ctkmask"),
    ])
    #expect(both["selected"] == 0)
    let run = try bench.json(
      ["finetune"] + bench.base + bench.task + bench.recipe
        + ["--mask", bench.path("rest.ctkmask"), "--epochs", "1", "--output", bench.path("run")])
    #expect(run["steps"]?.intValue != nil)
    let failure = try bench.failure([
      "mask-set", "union", bench.path("a.ctkmask"), "--output", bench.path("c.ctkmask"),
    ])
    #expect(failure.status == 64)
    #expect(!Folder.fileExists(bench.path("c.ctkmask")))
  }

  /// The table of a mask whose streams are joined.
  private func table(of path: String) throws -> String {
    let file = try SafetensorsFile(path: path)
    #expect(file.metadata["version"] == "2")
    let text = try file.withTensorBytes("tables") { bytes in
      var cursor = ByteCursor(bytes)
      let count = try cursor.varint()
      return try Part.decode(&cursor, count: count)
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// What Fisher information selects agrees along rows and columns, so that its positions
  /// take the codec context.
  @Test func masksOfTheCodecContextGoThroughEveryCommand() throws {
    let found = try mask("a.ctkmask", "--keep", "0.2")
    let path = bench.path("a.ctkmask")
    #expect(try table(of: path).contains("\"codec\":\"context\""))
    #expect(try bench.json(["inspect", path])["digest"] == found["digest"])
    #expect(try bench.ctk("inspect", path, "--map").status == 0)
    let copy = bench.path("copy.ctkmask")
    let united = try bench.json(["mask-set", "union", path, path, "--output", copy])
    #expect(united["digest"] == found["digest"])
    let run = try bench.json(
      ["finetune"] + bench.base + bench.task + bench.recipe
        + ["--mask", copy, "--epochs", "1", "--output", bench.path("run")])
    let patch = ["--patch", bench.path("p.ctkpatch")]
    _ = try bench.json(
      ["export-delta"] + bench.base + [
        "--run", bench.path("run"), "--mask-reference", "--output", bench.path("p.ctkpatch"),
      ])
    let applied = try bench.json(
      ["apply"] + bench.base + patch + ["--mask", copy, "--output", bench.path("tuned")])
    #expect(applied["fingerprint"] == run["fingerprint"])
    let without = try bench.failure(
      ["apply"] + bench.base + patch + ["--output", bench.path("none")])
    #expect(without == (65, "patch.needs-mask"))
  }

  /// Selection by change takes the tuned model's own child back out of it.
  @Test func changeFindsTheChild() throws {
    _ = try mask("a.ctkmask", "--keep", "0.05", "--score", "random")
    _ = try bench.json(
      ["finetune"] + bench.base + bench.task + bench.recipe + [
        "--mask", bench.path("a.ctkmask"), "--save-model", "--weight-decay", "0",
        "--output", bench.path("run"),
      ])
    let tuned = bench.path("run/model")
    let change = ["--score", "change", "--tuned", tuned]
    let found = try bench.json(
      ["mask"] + bench.base + ["--task", "custom", "--keep", "0.05"] + change
        + ["--output", bench.path("b.ctkmask")])
    #expect(found["score"] == "change")
    let overlap = try bench.json(["overlap", bench.path("a.ctkmask"), bench.path("b.ctkmask")])
    let common = try #require(overlap["pairs"]?.arrayValue?.first?["overlap"]?.intValue)
    // Entries with a gradient of exactly 0 never move.
    #expect(Double(common) > 0.9 * Double(try #require(found["selected"]?.intValue)))
  }

  /// The table of densities has a row for each kind of tensor and a column for each layer.
  @Test func densitiesAreShownByLayerAndKind() throws {
    _ = try mask("layer.ctkmask", "--scope", "layers:1", "--keep", "0.25", "--quota", "tensor")
    let shown = try bench.ctk("inspect", bench.path("layer.ctkmask")).output
    let lines = shown.split(separator: "\n")
    let header = try #require(lines.firstIndex { $0.hasPrefix("density in %") })
    #expect(lines[header].split(separator: " ").suffix(2) == ["1", "all"])
    let row = try #require(lines.first { $0.hasPrefix("attention.self.query ") })
    #expect(row.split(separator: " ").suffix(2) == ["25.0", "25.0"])
    #expect(lines.last?.hasPrefix("layer ") == true)
  }

  @Test func presetsAndLayers() throws {
    let fish = try mask("fish.ctkmask", "--preset", "fish")
    #expect(fish["keep"] == 0.005)
    let names = fish["tensors"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
    #expect(names.contains("bert.embeddings.word_embeddings.weight"))
    let authors = try mask("authors.ctkmask", "--preset", "reference", "--keep", "0.3")
    #expect(authors["provenance"]?["hyperparameters"]?["threshold"] == "percentile")
    let layer = try mask("layer.ctkmask", "--scope", "layers:1", "--quota", "tensor")
    let tensors = layer["tensors"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
    #expect(!tensors.isEmpty && tensors.allSatisfy { $0.contains("layer.1.") })
  }

  @Test(arguments: [
    (["--keep", "0"], "mask.keep-invalid"), (["--keep", "1.5"], "mask.keep-invalid"),
    (["--scope", "no such tensor"], "mask.empty-scope"),
    (["--scope", "("], "options.pattern-invalid"),
    (["--scope", "layers:9"], "options.invalid"), (["--clip", "0"], "options.invalid"),
    (["--score", "change"], "options.invalid"), (["--tuned", "x"], "options.invalid"),
    (["--score", "magnitude", "--labels", "sampled"], "options.invalid"),
    (["--score", "lowest-fisher", "--threshold", "percentile"], "options.invalid"),
    (["--labels", "silver"], "usage"), (["--preset", "mine"], "usage"),
  ])
  func badOptionsAreRefusedBeforeAnyWork(_ options: [String], _ code: String) throws {
    // The data is not there: nothing may be read before the options are judged.
    let failure = try bench.failure(
      ["mask"] + bench.base + ["--task", "rte", "--data", bench.path("absent")] + options
        + ["--output", bench.path("m.ctkmask")])
    #expect(failure.code == code)
    #expect(!Folder.fileExists(bench.path("m.ctkmask")))
  }
}
