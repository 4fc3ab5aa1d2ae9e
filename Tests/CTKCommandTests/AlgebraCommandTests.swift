import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// compose, squash, diff, overlap and the density maps, from the outside.
@Suite("Algebra of patches", .tags(.cli))
struct AlgebraCommandTests {
  private let folder = TemporaryFolder()

  private func path(_ name: String) -> String { folder.file(name) }

  /// A model of two layers, in a folder without a configuration.
  private func model(_ name: String, seed: UInt64, changing share: UInt64?) throws {
    var random = SeededGenerator(seed: 1)
    var changes = SeededGenerator(seed: seed)
    var tensors = TensorCollection()
    for layer in 0..<2 {
      for (kind, shape) in [("attention.query.weight", [16, 24]), ("output.weight", [24, 8])] {
        var values = random.floats(shape.reduce(1, *))
        for index in values.indices where share.map({ changes.next() % $0 == 0 }) ?? false {
          values[index] += 0.5
        }
        try tensors.set("encoder.layer.\(layer).\(kind)", shape: shape, floats: values)
      }
    }
    try tensors.set("embeddings.weight", shape: [12, 4], floats: random.floats(48))
    try FileManager.default.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    var writer = try SafetensorsWriter(
      path: path(name) + "/model.safetensors", tensors: tensors.tensors)
    for info in writer.order { try tensors.withTensorBytes(info.name) { try writer.write($0) } }
    try writer.commit()
  }

  private func patch(
    _ name: String, from base: String, to tuned: String, codec: CodecChoice = .auto
  ) throws {
    _ = try PatchExporter.export(
      base: try SafetensorsCheckpoint(path: path(base)),
      tuned: try SafetensorsCheckpoint(path: path(tuned)), options: ExportOptions(codec: codec),
      to: path(name))
  }

  private func json(_ arguments: [String], status: Int32 = 0) throws -> JSONValue {
    let run = try CommandLineTool.run(arguments + ["--json"])
    #expect(run.status == status, "\(arguments): \(run.output) \(run.errors)")
    return try #require(try run.jsonLines.last)
  }

  private func prepare() throws {
    try model("base", seed: 0, changing: nil)
    try model("a", seed: 2, changing: 5)
    try model("b", seed: 3, changing: 3)
    try patch("a.ctkpatch", from: "base", to: "a")
    try patch("b.ctkpatch", from: "base", to: "b")
    try patch("ab.ctkpatch", from: "a", to: "b")
  }

  @Test("a squashed chain is the direct patch")
  func squash() throws {
    try prepare()
    let squashed = try json(
      [
        "squash", path("a.ctkpatch"), path("ab.ctkpatch"), "--base", path("base"), "-o",
        path("s.ctkpatch"),
      ])
    let direct = try json(["inspect", path("b.ctkpatch")])
    for key in ["target_fingerprint", "base_fingerprint", "changed"] {
      #expect(squashed[key] == direct[key])
    }
    #expect(squashed["schema"] == "ctk-squash/1" && squashed["squashed"] == 2)
    _ = try json([
      "verify", "--patch", path("s.ctkpatch"), "--base", path("base"), "--tuned", path("b"),
    ])
    let broken = try json(
      ["squash", path("ab.ctkpatch"), path("a.ctkpatch"), "-o", path("x")], status: 65)
    #expect(broken["error"]?["code"] == "patch.chain-broken")
    #expect(!Folder.fileExists(path("x")))
  }

  @Test("composing reports conflicts, and refuses them under policy error")
  func compose() throws {
    try prepare()
    let patches = [path("a.ctkpatch"), path("b.ctkpatch"), "--base", path("base")]
    let sum = try json(
      ["compose"] + patches + ["--policy", "sum", "--output", path("sum.ctkpatch")])
    let conflicts = try #require(sum["conflicts"]?.arrayValue)
    #expect(conflicts.count == 4)
    for conflict in conflicts {
      #expect((conflict["overlap"]?.intValue ?? 0) > 0)
      #expect((conflict["chance"]?.doubleValue ?? 0) > 0)
      #expect(conflict["sign_agreement"] == .real(1))
      #expect(conflict["largest_difference"]?.doubleValue == 0)
    }
    _ = try json(["verify", "--patch", path("sum.ctkpatch"), "--base", path("base")])
    let refused = try json(
      ["compose"] + patches + ["--policy", "error", "-o", path("x")], status: 65)
    #expect(refused["error"]?["code"] == "compose.overlap")
    #expect(!Folder.fileExists(path("x")))
    let text = try CommandLineTool.run(
      ["compose"] + patches + ["--policy", "mean", "-o", path("mean.ctkpatch")])
    #expect(text.output.contains("by chance") && text.output.contains("100.0 %"))
    let usage = try CommandLineTool.run(
      ["compose"] + patches + ["--policy", "vote", "-o", path("x")])
    #expect(usage.status == 64)
  }

  @Test("diff compares, and tells by its status only when asked")
  func diff() throws {
    try prepare()
    let same = try json(["diff", path("base"), path("base") + "/model.safetensors", "--exit-code"])
    #expect(same["identical"] == true && same["changed_weights"] == 0)
    let changed = try json(["diff", path("base"), path("a"), "--exit-code"], status: 2)
    let patch = try json(["inspect", path("a.ctkpatch")])
    #expect(changed["identical"] == false && changed["changed_weights"] == patch["changed"])
    #expect(changed["changed"]?["count"] == 4 && changed["unchanged"]?["count"] == 1)
    let text = try CommandLineTool.run(["diff", path("base"), path("a")])
    #expect(text.status == 0 && text.output.contains("relative to the weight"))
    let missing = try json(["diff", path("base"), path("nowhere")], status: 66)
    #expect(missing["error"]?["code"]?.stringValue?.hasSuffix("missing") == true)
  }

  @Test("one model in two containers compares equal")
  func containers() throws {
    let left = Fixtures.path("checkpoints/bert/pt-base")
    for name in try FileManager.default.contentsOfDirectory(
      atPath: Fixtures.path("checkpoints/bert")
    ).sorted() where name.hasPrefix("tf") {
      let run = try CommandLineTool.run(
        ["diff", left, Fixtures.path("checkpoints/bert/\(name)"), "--json"])
      #expect(run.status == 0, "\(name): \(run.output)")
    }
  }

  @Test("overlap prints ratios and draws them")
  func overlap() throws {
    try prepare()
    let report = try json([
      "overlap", path("a.ctkpatch"), path("b.ctkpatch"), "--plot", path("o.svg"),
    ])
    let pair = try #require(report["pairs"]?.arrayValue?.first)
    let ratio = try #require(pair["ratio"]?.doubleValue)
    #expect(ratio > 0.2 && ratio < 0.5)
    #expect(try String(decoding: readSmallFile(path("o.svg")), as: UTF8.self).hasSuffix("</svg>\n"))
    let text = try CommandLineTool.run(["overlap", path("a.ctkpatch"), path("b.ctkpatch")])
    #expect(text.output.contains("by chance"))
    let wrong = try json(
      ["overlap", path("a.ctkpatch"), path("base") + "/model.safetensors"], status: 65)
    #expect(wrong["error"]?["code"] == "input.invalid")
    #expect(try CommandLineTool.run(["overlap", path("a.ctkpatch")]).status == 64)
  }

  @Test("inspect maps the density in characters and as a drawing")
  func density() throws {
    try prepare()
    let arguments = ["inspect", path("a.ctkpatch"), "--map", "--plot", path("d.svg")]
    let run = try CommandLineTool.run(arguments)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.contains("layer 0") && run.output.contains("layer 1"))
    #expect(run.output.contains("attention.query"))
    let drawing = try readSmallFile(path("d.svg"))
    #expect(String(decoding: drawing, as: UTF8.self).contains("layer 1"))
    #expect(try CommandLineTool.run(arguments).status == 73)
    #expect(try CommandLineTool.run(arguments + ["--force"]).status == 0)
    #expect(try readSmallFile(path("d.svg")) == drawing)
    // Steps of values that are coded against the base are not known without it.
    try patch("deflate.ctkpatch", from: "base", to: "a", codec: .deflate)
    let row = try #require(
      try json(["inspect", path("deflate.ctkpatch")])["tensors"]?.arrayValue?.first)
    #expect((row["mean_steps"]?.doubleValue ?? 0) > 1)
    #expect(row["largest_steps"]?.intValue != nil)
    let based = try json(["inspect", path("a.ctkpatch"), "--base", path("base")])
    let same = try #require(based["tensors"]?.arrayValue?.first)
    #expect(same["mean_steps"] == row["mean_steps"])
    #expect((same["value_bound_bits"]?.doubleValue ?? 0) > 1)
    let wrong = try json(["inspect", path("base"), "--map"], status: 65)
    #expect(wrong["error"]?["code"] == "input.invalid")
  }
}
