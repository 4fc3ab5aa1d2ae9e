import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Composing heads and files", .tags(.format))
struct ComposeHeadTests {
  private let bench = AlgebraBench()
  private let base: TensorCollection

  init() throws {
    var base = TensorCollection()
    try base.set("w", shape: [4], floats: [1, 2, 3, 4])
    try base.set("old", shape: [1], floats: [1])
    self.base = base
  }

  private func patch(
    _ task: String, head: [Float]?, config: String? = nil, file: String = "config.json",
    _ change: (inout TensorCollection) throws -> Void = { _ in }
  ) throws -> PatchFile {
    var tuned = base
    if let head { try tuned.set("head", shape: [head.count], floats: head) }
    try change(&tuned)
    let files = config.map {
      [ChangedFile(name: file, before: Array("{}".utf8), after: Array($0.utf8))]
    }
    return try bench.patch(
      task, from: base, to: tuned, files: files ?? [], provenance: Provenance(task: task))
  }

  private func compose(
    _ patches: [PatchFile], policy: ComposePolicy = .sum, heads: HeadPolicy? = nil,
    base: (any TensorSource)? = nil
  ) throws -> (patch: PatchFile, conflicts: [TensorConflict]) {
    let path = bench.folder.file("composed")
    let summary = try PatchComposer.compose(
      base: base ?? self.base, patches: patches,
      options: ComposeOptions(policy: policy, heads: heads), to: path, replacesExisting: true)
    let patch = try PatchFile(path: path)
    #expect(try PatchVerifier.verify(patch, base: self.base).isOK)
    return (patch, summary.conflicts)
  }

  private func floats(_ name: String, _ patch: PatchFile) throws -> [Float]? {
    let source = try PatchedSource(base: base, patches: [patch])
    guard source.info(of: name) != nil else { return nil }
    return try source.withTensorBytes(name) { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  @Test("a head that all patches share is no conflict")
  func sameHead() throws {
    let patches = [try patch("a", head: [1, 2]), try patch("b", head: [1, 2])]
    let result = try compose(patches)
    #expect(try floats("head", result.patch) == [1, 2])
    #expect(result.conflicts.isEmpty)
  }

  @Test("a head of one patch alone is taken")
  func oneHead() throws {
    let patches = [try patch("a", head: nil) { $0.remove("old") }, try patch("b", head: [5])]
    let result = try compose(patches).patch
    #expect(try floats("head", result) == [5])
    #expect(try floats("old", result) == nil)
  }

  @Test("heads that differ are settled as asked")
  func differingHeads() throws {
    let patches = [try patch("a", head: [1, 2]), try patch("b", head: [3, 4, 5])]
    #expect(AlgebraBench.code { _ = try compose(patches) } == "compose.conflict")
    #expect(try floats("head", compose(patches, heads: .first).patch) == [1, 2])
    #expect(try floats("head", compose(patches, heads: .last).patch) == [3, 4, 5])
    #expect(try floats("head", compose(patches, policy: .last).patch) == [3, 4, 5])
    let renamed = try compose(patches, heads: .rename)
    #expect(try floats("head@a", renamed.patch) == [1, 2])
    #expect(try floats("head@b", renamed.patch) == [3, 4, 5])
    #expect(try floats("head", renamed.patch) == nil)
    #expect(renamed.conflicts.map(\.name) == ["head"])
    #expect(renamed.conflicts.map(\.settled) == [.rename])
  }

  @Test("patches of one task are told apart by their place")
  func equalTasks() throws {
    let first = try patch("a", head: [1])
    try bench.folder.write("copy", readSmallFile(first.path))
    let second = try patch("a", head: [2])
    let patches = [try PatchFile(path: bench.folder.file("copy")), second]
    let renamed = try compose(patches, heads: .rename).patch
    #expect(try floats("head@1", renamed) == [1])
    #expect(try floats("head@2", renamed) == [2])
  }

  @Test("what cannot be renamed, and names that are taken, are refused")
  func impossibleRenames() throws {
    let removed = try patch("a", head: nil) { $0.remove("w") }
    let replaced = try patch("b", head: nil) { try $0.set("w", shape: [2], floats: [1, 2]) }
    #expect(
      AlgebraBench.code { _ = try compose([removed, replaced], heads: .rename) }
        == "compose.conflict")
    #expect(try floats("w", compose([removed, replaced], heads: .last).patch) == [1, 2])
    #expect(try floats("w", compose([removed, replaced], heads: .first).patch) == nil)
    let taken = try patch("c", head: [1]) { try $0.set("head@d", shape: [1], floats: [0]) }
    let other = try patch("d", head: [2])
    #expect(
      AlgebraBench.code { _ = try compose([taken, other], heads: .rename) }
        == "compose.conflict")
  }

  @Test("a tensor that one patch changes and another replaces is a conflict")
  func mixedKinds() throws {
    let changed = try patch("a", head: nil) { try $0.set("w", shape: [4], floats: [9, 2, 3, 4]) }
    let removed = try patch("b", head: nil) { $0.remove("w") }
    #expect(AlgebraBench.code { _ = try compose([changed, removed]) } == "compose.conflict")
    #expect(try floats("w", compose([changed, removed], heads: .first).patch) == [9, 2, 3, 4])
  }

  @Test("small files that differ are settled like heads")
  func files() throws {
    let patches = [try patch("a", head: nil, config: "1"), try patch("b", head: nil, config: "2")]
    func content(_ result: PatchFile) throws -> [UInt8]? {
      try result.contents(of: try #require(result.header.files.first)).after
    }
    #expect(AlgebraBench.code { _ = try compose(patches) } == "compose.conflict")
    #expect(try content(compose(patches, heads: .first).patch) == Array("1".utf8))
    #expect(try content(compose(patches, heads: .rename).patch) == Array("1".utf8))
    #expect(try content(compose(patches, heads: .last).patch) == Array("2".utf8))
    let same = [patches[0], try patch("c", head: nil, config: "1")]
    #expect(try content(compose(same).patch) == Array("1".utf8))
  }

  @Test("patches of several bases, and another base, are refused")
  func bases() throws {
    var other = base
    try other.set("w", shape: [4], floats: [0, 0, 0, 0])
    let mine = try patch("a", head: nil) { try $0.set("w", shape: [4], floats: [9, 2, 3, 4]) }
    let foreign = try bench.patch("foreign", from: other, to: base)
    #expect(AlgebraBench.code { _ = try compose([mine, foreign]) } == "compose.base-differs")
    for wrong in [other, TensorCollection()] {
      #expect(
        AlgebraBench.code { _ = try compose([mine], base: wrong) }?.hasPrefix("patch.") == true)
    }
    var more = base
    try more.set("extra", shape: [1], floats: [0])
    #expect(AlgebraBench.code { _ = try compose([mine], base: more) } == "patch.wrong-base")
    #expect(bench.folder.names == ["a", "foreign"])
  }

  @Test("provenance names the parts and the policy")
  func provenance() throws {
    let patches = [try patch("b", head: nil), try patch("a", head: [1])]
    let parameters = try #require(
      try compose(patches, policy: .first).patch.header.provenance.hyperparameters)
    #expect(parameters["policy"] == "first")
    let parts = parameters["composed"]?.arrayValue?.compactMap { $0["task"]?.stringValue }
    #expect(parts == ["b", "a"])
  }
}
