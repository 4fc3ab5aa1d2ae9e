import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

@Suite("Patch files", .tags(.format))
struct PatchFileTests {
  private let folder = TemporaryFolder()

  private func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path)))
  }

  @Test("equal inputs give equal bytes")
  func deterministic() throws {
    let files = try [5, 5, 6].enumerated().map { round, seed in
      let (base, tuned) = try Checkpoints.pair(seed: UInt64(seed))
      let path = folder.file("\(round).ctkpatch")
      _ = try PatchExporter.export(base: base, tuned: tuned, to: path)
      return try bytes(path)
    }
    #expect(files[0] == files[1])
    #expect(files[0] != files[2])
  }

  @Test("a patch is a safetensors file of byte streams with sorted metadata")
  func container() throws {
    let bench = try PatchBench(in: folder)
    let file = try SafetensorsFile(path: bench.patchPath)
    #expect(file.tensors.allSatisfy { $0.dtype == .u8 && $0.shape.count == 1 })
    #expect(
      file.tensors.map(\.name) == [
        "file:config.json", "tensor:a.weight", "tensor:b.weight", "tensor:c.scale",
        "tensor:f.gone", "tensor:g.head", "tensor:h.grown",
      ])
    let text = String(decoding: try bytes(bench.patchPath), as: UTF8.self)
    let keys = file.metadata.keys.sorted(by: utf8Precedes)
    let places = keys.compactMap { text.range(of: "\"\($0)\":")?.lowerBound }
    #expect(places.count == 9)
    #expect(places == places.sorted())
  }

  @Test("the header says what was exported")
  func header() throws {
    let bench = try PatchBench(in: folder)
    let provenance = Provenance(
      task: "mrpc", method: "child-d", keep: 0.1, maskDigest: .of([1]),
      hyperparameters: JSONObject(["epochs": 3, "rate": 2e-5]), parent: .of([2]),
      baseLicense: "apache-2.0", note: "caf\u{E9}\n", tool: "ctk 0.1")
    let path = bench.folder.file("second")
    _ = try PatchExporter.export(
      base: bench.base, tuned: bench.tuned, provenance: provenance, to: path)
    let header = try PatchFile(path: path).header
    #expect(header.provenance == provenance)
    #expect(header.baseFingerprint == (try Fingerprint.of(bench.base)))
    #expect(header.targetFingerprint == (try Fingerprint.of(bench.tuned)))
    #expect(header.files.isEmpty)
    let kinds = Dictionary(uniqueKeysWithValues: header.entries.map { ($0.name, $0.kind) })
    #expect(
      kinds == [
        "a.weight": .changed, "b.weight": .changed, "c.scale": .changed, "f.gone": .removed,
        "g.head": .added, "h.grown": .grown,
      ])
  }

  @Test("an existing output is refused and left alone")
  func existing() throws {
    let bench = try PatchBench(in: folder)
    let before = try bytes(bench.patchPath)
    let found = code {
      _ = try PatchExporter.export(base: bench.base, tuned: bench.base, to: bench.patchPath)
    }
    #expect(found == "output.exists")
    #expect(try bytes(bench.patchPath) == before)
    #expect(bench.folder.names == ["base", "task.ctkpatch", "tuned"])
  }

  @Test(
    "files that do not belong into a patch are refused",
    arguments: ["", "../x", "a/b", "a\\b", ".hidden", "model.safetensors", "x\n"])
  func fileNames(name: String) throws {
    let bench = try PatchBench(in: folder)
    let found = code {
      _ = try PatchExporter.export(
        base: bench.base, tuned: bench.tuned,
        files: [ChangedFile(name: name, before: nil, after: [1])], to: bench.folder.file("x"))
    }
    #expect(found == "patch.file-invalid")
    #expect(bench.folder.names == ["base", "task.ctkpatch", "tuned"])
  }

  @Test("another safetensors file is not a patch")
  func notAPatch() throws {
    let bench = try PatchBench(in: folder)
    let found = code { _ = try PatchFile(path: bench.basePath + "/model.safetensors") }
    #expect(found == "patch.not-a-patch")
  }

  @Test("the report adds up")
  func report() throws {
    let bench = try PatchBench(in: folder)
    let patch = try PatchFile(path: bench.patchPath)
    let report = try PatchInspector.inspect(patch)
    #expect(report.byteCount == (try bytes(bench.patchPath).count))
    let streams = try SafetensorsFile(path: bench.patchPath)
    for row in report.rows {
      let stream = streams.info(of: "tensor:" + row.entry.name)
      #expect(stream?.byteCount == row.indexByteCount + row.valueByteCount)
    }
    var differing = 0
    for name in ["a.weight", "b.weight", "c.scale", "h.grown"] {
      let width = name == "b.weight" ? 2 : 4
      let old = try bench.base.withTensorBytes(name) { Array($0) }
      let new = try bench.tuned.withTensorBytes(name) { Array($0) }
      for unit in 0..<old.count / width
      where old[unit * width..<(unit + 1) * width] != new[unit * width..<(unit + 1) * width] {
        differing += 1
      }
    }
    #expect(report.changes == differing)
    #expect(report.json["changed"] == .integer(differing))
    #expect(report.json["kind"] == "patch")
  }
}

@Suite("Verifying", .tags(.format))
struct PatchVerifierTests {
  private let folder = TemporaryFolder()

  @Test("each side alone and both together are found right")
  func right() throws {
    let bench = try PatchBench(in: folder)
    let patch = try PatchFile(path: bench.patchPath)
    let counts = [
      try PatchVerifier.verify(patch), try PatchVerifier.verify(patch, base: bench.base),
      try PatchVerifier.verify(patch, base: bench.base, tuned: bench.tuned),
    ]
    #expect(counts.map(\.isOK) == [true, true, true])
    #expect(counts[0].checked < counts[1].checked && counts[1].checked < counts[2].checked)
  }

  @Test("the first difference is named")
  func different() throws {
    let bench = try PatchBench(in: folder)
    let patch = try PatchFile(path: bench.patchPath)
    let swapped = try PatchVerifier.verify(patch, base: bench.tuned)
    #expect(swapped.firstDifference?.subject == "a.weight")
    var wrong = bench.tuned
    try wrong.set("d.same", dtype: .f16, shape: [7], bytes: Array(repeating: 9, count: 14))
    let untouched = try PatchVerifier.verify(patch, tuned: wrong)
    #expect(untouched.firstDifference?.subject == "tuned")
    #expect(untouched.json["ok"] == false)
    wrong.remove("g.head")
    let missing = try PatchVerifier.verify(patch, tuned: wrong)
    #expect(missing.firstDifference?.subject == "g.head")
    #expect(missing.firstDifference?.found == nil)
  }
}
