import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// The code of the error that `body` throws, or nil.
func code(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return (error as? any Diagnosable)?.code ?? "\(error)"
  }
}

@Suite("Applying and reverting", .tags(.format))
struct PatchApplierTests {
  private let folder = TemporaryFolder()

  private func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path)))
  }

  private func apply(_ bench: PatchBench, to input: String) throws {
    _ = try PatchApplier.apply(
      base: input, patches: [bench.patchPath], output: bench.outputPath)
  }

  private func revert(_ bench: PatchBench, in input: String) throws {
    _ = try PatchApplier.revert(
      model: input, patches: [bench.patchPath], output: bench.outputPath)
  }

  /// Writes a folder with the given tensors and the bench's base config.
  private func model(_ bench: PatchBench, _ name: String, _ source: any TensorSource) throws
    -> String
  {
    try Folder.create(bench.folder.file(name))
    try Checkpoints.write(source, to: bench.folder.file(name) + "/model.safetensors")
    try bench.folder.write(name + "/config.json", bench.config)
    return bench.folder.file(name)
  }

  @Test("a folder becomes the tuned folder, and the base's again")
  func bothWays() throws {
    let bench = try PatchBench(in: folder)
    let summary = try PatchApplier.apply(
      base: bench.basePath, patches: [bench.patchPath], output: bench.outputPath)
    #expect(summary.fingerprint == (try Fingerprint.of(bench.tuned)))
    #expect(summary.files == ["config.json"])
    let files = ["model.safetensors", "config.json"]
    for file in files {
      #expect(try bytes(bench.outputPath + "/" + file) == bytes(bench.tunedPath + "/" + file))
    }
    #expect(
      try Folder.names(in: bench.outputPath) == ["config.json", "model.safetensors", "vocab.txt"])
    let back = bench.folder.file("back")
    _ = try PatchApplier.revert(
      model: bench.outputPath, patches: [bench.patchPath], output: back)
    for file in files + ["vocab.txt"] {
      #expect(try bytes(back + "/" + file) == bytes(bench.basePath + "/" + file))
    }
  }

  @Test("a single file becomes a single file")
  func singleFile() throws {
    let bench = try PatchBench(in: folder)
    let output = bench.folder.file("tuned.safetensors")
    _ = try PatchApplier.apply(
      base: bench.basePath + "/model.safetensors", patches: [bench.patchPath], output: output)
    #expect(try bytes(output) == bytes(bench.tunedPath + "/model.safetensors"))
  }

  @Test("shards keep their tensors, and the last one takes what is added")
  func shards() throws {
    let bench = try PatchBench(in: folder)
    let sharded = bench.folder.file("sharded")
    try Folder.create(sharded)
    var map = JSONObject()
    for (number, isFirst) in [("1", true), ("2", false)] {
      var part = bench.base
      let name = "model-0000\(number)-of-00002.safetensors"
      for info in bench.base.tensors {
        if (info.name < "c") == isFirst {
          map[info.name] = .string(name)
        } else {
          part.remove(info.name)
        }
      }
      try Checkpoints.write(part, to: sharded + "/" + name)
    }
    let index = JSONValue.object(
      JSONObject(["metadata": ["total_size": 0], "weight_map": .object(map)]))
    try bench.folder.write(
      "sharded/model.safetensors.index.json", Array(index.prettyText.utf8))
    try bench.folder.write("sharded/config.json", bench.config)
    try apply(bench, to: sharded)
    let result = try SafetensorsCheckpoint(path: bench.outputPath)
    #expect(try Checkpoints.contents(of: result) == Checkpoints.contents(of: bench.tuned))
    #expect(result.shards.map { $0.tensors.map(\.name) }[0] == ["a.weight", "b.weight"])
    #expect(result.shards[1].tensors.map(\.name).contains("g.head"))
    #expect(result.findings.isEmpty)
  }

  @Test("applied twice and reverted twice are told from a wrong model")
  func twice() throws {
    let bench = try PatchBench(in: folder)
    #expect(code { try apply(bench, to: bench.tunedPath) } == "patch.already-applied")
    #expect(code { try revert(bench, in: bench.basePath) } == "patch.not-applied")
    #expect(!Folder.exists(bench.outputPath))
  }

  @Test("one bit in a touched tensor names that tensor")
  func wrongBase() throws {
    let bench = try PatchBench(in: folder)
    for (source, isBase) in [(bench.base, true), (bench.tuned, false)] {
      var wrong = source
      var weights = try source.withTensorBytes("b.weight") { Array($0) }
      weights[5] ^= 1
      try wrong.set("b.weight", dtype: .bf16, shape: [8, 9], bytes: weights)
      let path = try model(bench, isBase ? "wrong-base" : "wrong-target", wrong)
      do {
        try isBase ? apply(bench, to: path) : revert(bench, in: path)
        Issue.record("a wrong model was accepted")
      } catch let error as PatchError {
        #expect(error.code == (isBase ? "patch.wrong-base" : "patch.wrong-target"))
        #expect(error.message.contains("'b.weight'"))
      }
    }
  }

  @Test("a difference in an untouched tensor is a wrong base")
  func untouchedDiffers() throws {
    let bench = try PatchBench(in: folder)
    var wrong = bench.base
    try wrong.set("d.same", dtype: .f16, shape: [7], bytes: Array(repeating: 0, count: 14))
    let path = try model(bench, "wrong", wrong)
    #expect(code { try apply(bench, to: path) } == "patch.wrong-base")
    wrong = bench.base
    try wrong.set("z.more", shape: [1], floats: [1])
    let other = try model(bench, "more", wrong)
    #expect(code { try apply(bench, to: other) } == "patch.wrong-base")
    #expect(!Folder.exists(bench.outputPath))
  }

  @Test("a mixture of both sides is partly applied", arguments: ["a.weight", "f.gone", "g.head"])
  func partlyApplied(name: String) throws {
    let bench = try PatchBench(in: folder)
    var mixed = bench.base
    mixed.remove(name)
    if let info = bench.tuned.info(of: name) {
      let bytes = try bench.tuned.withTensorBytes(name) { Array($0) }
      try mixed.set(name, dtype: info.dtype, shape: info.shape, bytes: bytes)
    }
    let path = try model(bench, "mixed", mixed)
    #expect(code { try apply(bench, to: path) } == "patch.partly-applied")
    #expect(code { try revert(bench, in: path) } == "patch.partly-applied")
  }

  @Test("an existing output and a differing config stay as they are")
  func refusals() throws {
    let bench = try PatchBench(in: folder)
    try Folder.create(bench.outputPath)
    try bench.folder.write("output/keep", [7])
    #expect(code { try apply(bench, to: bench.basePath) } == "output.exists")
    #expect(try Folder.names(in: bench.outputPath) == ["keep"])
    try bench.folder.write("base/config.json", Array("{}".utf8))
    Folder.removeTree(bench.outputPath)
    #expect(code { try apply(bench, to: bench.basePath) } == "patch.file-differs")
    let options = ApplyOptions(replacesDifferingFiles: true)
    _ = try PatchApplier.apply(
      base: bench.basePath, patches: [bench.patchPath], output: bench.outputPath,
      options: options)
    #expect(try bytes(bench.outputPath + "/config.json") == bench.tunedConfig)
    #expect(code { try PatchApplierTests.applyOnto(bench) } == "output.exists")
  }

  private static func applyOnto(_ bench: PatchBench) throws {
    _ = try PatchApplier.apply(
      base: bench.basePath, patches: [bench.patchPath], output: bench.basePath + "/",
      options: ApplyOptions(replacesExisting: true))
  }

  @Test("a chain applies in order and reverts in reverse")
  func chain() throws {
    let bench = try PatchBench(in: folder)
    var random = SeededGenerator(seed: 3)
    var final = bench.tuned
    let weights = try bench.tuned.withTensorBytes("a.weight") { Array($0) }
    try final.set(
      "a.weight", dtype: .f32, shape: [12, 20],
      bytes: Checkpoints.changed(weights, width: 4, share: 0.3, &random))
    final.remove("g.head")
    let second = bench.folder.file("second.ctkpatch")
    _ = try PatchExporter.export(base: bench.tuned, tuned: final, to: second)
    let patches = [bench.patchPath, second]
    _ = try PatchApplier.apply(
      base: bench.basePath, patches: patches, output: bench.outputPath)
    let result = try SafetensorsCheckpoint(path: bench.outputPath)
    #expect(try Checkpoints.contents(of: result) == Checkpoints.contents(of: final))
    let back = bench.folder.file("back")
    _ = try PatchApplier.revert(model: bench.outputPath, patches: patches, output: back)
    let base = try SafetensorsCheckpoint(path: back)
    #expect(try Checkpoints.contents(of: base) == Checkpoints.contents(of: bench.base))
    let swapped = code {
      _ = try PatchApplier.apply(
        base: bench.basePath, patches: patches.reversed(), output: bench.folder.file("x"))
    }
    #expect(swapped == "patch.chain-broken")
    let again = code {
      _ = try PatchApplier.apply(
        base: bench.tunedPath, patches: patches, output: bench.folder.file("x"))
    }
    #expect(again == "patch.already-applied")
  }
}
