import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

/// Chains over tensors that grow, shrink, are tied, come and go.
@Suite("Chains of kinds", .tags(.format))
struct KindChainTests {
  private let folder = TemporaryFolder()

  /// Models, each of which differs from the one before in several kinds.
  private func models(seed: UInt64) throws -> [TensorCollection] {
    var random = SeededGenerator(seed: seed)
    var models: [TensorCollection] = []
    var words = Checkpoints.randomBytes(.f32, count: 40 * 16, &random)
    for step in 0..<4 {
      var model = TensorCollection()
      words = Checkpoints.changed(words, width: 4, share: 0.05, &random)
      let rows = [30, 36, 33, 40][step]
      let part = Array(words[..<(rows * 64)])
      try model.set("a.words", dtype: .f32, shape: [rows, 16], bytes: part)
      try model.set("b.tied", dtype: .f32, shape: [rows, 16], bytes: part)
      let flat = Checkpoints.randomBytes(.f16, count: 64, &random)
      try model.set(
        "c.shape", dtype: .f16, shape: [[64], [8, 8], [4, 16], [64]][step], bytes: flat)
      if step != 1 { try model.set("d.sometimes", shape: [5], floats: random.floats(5)) }
      try model.set("e.same", shape: [2], floats: [1, -0.0])
      models.append(model)
    }
    return models
  }

  private func patches(_ models: [TensorCollection], codec: CodecChoice) throws -> [PatchFile] {
    try zip(models, models.dropFirst()).enumerated().map { number, pair in
      let path = folder.file("\(codec)-\(number).ctkpatch")
      _ = try PatchExporter.export(
        base: pair.0, tuned: pair.1, options: ExportOptions(codec: codec), to: path,
        replacesExisting: true)
      return try PatchFile(path: path)
    }
  }

  private func file(_ model: any TensorSource, _ name: String) throws -> String {
    try Checkpoints.write(model, to: folder.file(name))
    return folder.file(name)
  }

  @Test("a chain applies and reverts in one go", arguments: CodecChoice.allCases)
  func chain(codec: CodecChoice) throws {
    let models = try models(seed: 41)
    let paths = try patches(models, codec: codec).map(\.path)
    let (first, last) = (try file(models[0], "first"), try file(models[3], "last"))
    let made = folder.file("made")
    _ = try PatchApplier.apply(base: first, patches: paths, output: made)
    #expect(try readSmallFile(made) == readSmallFile(last))
    let back = folder.file("back")
    _ = try PatchApplier.revert(model: made, patches: paths, output: back)
    #expect(try readSmallFile(back) == readSmallFile(first))
  }

  @Test("squashing with the base gives what the chain gives", arguments: CodecChoice.allCases)
  func squash(codec: CodecChoice) throws {
    let models = try models(seed: 42)
    let path = folder.file("squashed.ctkpatch")
    _ = try PatchSquasher.squash(
      try patches(models, codec: codec), base: models[0], options: ExportOptions(codec: codec),
      to: path)
    let squashed = try PatchFile(path: path)
    #expect(squashed.entry(named: "b.tied")?.kind == .alias)
    #expect(squashed.entry(named: "e.same") == nil)
    #expect(try PatchVerifier.verify(squashed, base: models[0], tuned: models[3]).isOK)
  }

  @Test("squashing what grows needs the base")
  func squashWithoutBase() throws {
    let chain = try patches(try models(seed: 43), codec: .deflate)
    let found = code { _ = try PatchSquasher.squash(chain, to: folder.file("s.ctkpatch")) }
    #expect(found == "patch.needs-base")
    #expect(!Folder.fileExists(folder.file("s.ctkpatch")))
  }

  @Test("switching goes from task to task over any kinds", arguments: CodecChoice.allCases)
  func switching(codec: CodecChoice) throws {
    let models = try models(seed: 44)
    let pairs = [(models[0], models[1]), (models[0], models[2])]
    let paths = try pairs.enumerated().map { number, pair in
      let path = folder.file("task-\(number).ctkpatch")
      _ = try PatchExporter.export(
        base: pair.0, tuned: pair.1, options: ExportOptions(codec: codec), to: path,
        replacesExisting: true)
      return path
    }
    let (one, two) = (try file(models[1], "one"), try file(models[2], "two"))
    let made = folder.file("made")
    let summary = try PatchApplier.replace(
      model: one, patch: paths[0], by: paths[1], to: .output(made))
    #expect(try readSmallFile(made) == readSmallFile(two))
    #expect(summary.fingerprint == (try Fingerprint.of(models[2])))
    let base = try file(models[0], "base")
    let onBase = code {
      _ = try PatchApplier.replace(
        model: base, patch: paths[0], by: paths[1], to: .output(folder.file("x")))
    }
    #expect(onBase == "patch.not-applied")
    let again = code {
      _ = try PatchApplier.replace(
        model: two, patch: paths[0], by: paths[1], to: .output(folder.file("x")))
    }
    #expect(again == "patch.already-applied")
  }
}
