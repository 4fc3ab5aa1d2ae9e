import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Testing

/// A tensor on both sides of a patch; a side is nil where the tensor is not.
private struct Sides {
  typealias Side = (dtype: DType, shape: [Int], bytes: [UInt8])

  var before: Side?
  var after: Side?

  func source(_ keyPath: KeyPath<Sides, Side?>) throws -> TensorCollection {
    var result = TensorCollection()
    try result.set("z.same", shape: [2], floats: [1, 2])
    if let side = self[keyPath: keyPath] {
      try result.set("t", dtype: side.dtype, shape: side.shape, bytes: side.bytes)
    }
    return result
  }
}

/// Every kind but alias, and how a tensor of a dtype becomes one of it.
private enum KindCase: String, CaseIterable {
  case grown, grownOnly, shrunk, reshaped, reshapedOnly, added, removed, replaced

  var kind: PatchEntry.Kind {
    switch self {
    case .grown, .grownOnly: .grown
    case .shrunk: .shrunk
    case .reshaped, .reshapedOnly: .reshaped
    case .added: .added
    case .removed: .removed
    case .replaced: .replaced
    }
  }

  func sides(_ dtype: DType, _ random: inout SeededGenerator) -> Sides {
    let width = CodingUnit(dtype).byteCount
    let row = 24 * dtype.bitWidth / 8
    let long = Checkpoints.randomBytes(dtype, count: 40 * 24, &random)
    let other = Checkpoints.changed(long, width: width, share: 0.1, &random)
    let short = Array(long[..<(30 * row)])
    switch self {
    case .grown: return Sides(before: (dtype, [30, 24], short), after: (dtype, [40, 24], other))
    case .grownOnly:
      return Sides(before: (dtype, [30, 24], short), after: (dtype, [40, 24], long))
    case .shrunk: return Sides(before: (dtype, [40, 24], other), after: (dtype, [30, 24], short))
    case .reshaped: return Sides(before: (dtype, [40, 24], long), after: (dtype, [960], other))
    case .reshapedOnly: return Sides(before: (dtype, [960], long), after: (dtype, [4, 240], long))
    case .added: return Sides(before: nil, after: (dtype, [40, 24], long))
    case .removed: return Sides(before: (dtype, [40, 24], long), after: nil)
    case .replaced:
      let part = Array(other[..<(620 * dtype.bitWidth / 8)])
      return Sides(before: (dtype, [40, 24], long), after: (dtype, [20, 31], part))
    }
  }
}

@Suite("Kinds of change", .tags(.format))
struct KindTests {
  private let folder = TemporaryFolder()

  private func export(
    _ base: any TensorSource, _ tuned: any TensorSource, codec: CodecChoice = .auto,
    blockShift: Int? = nil
  ) throws -> PatchFile {
    var options = ExportOptions(codec: codec)
    options.blockShift = blockShift
    let path = folder.file("p.ctkpatch")
    _ = try PatchExporter.export(
      base: base, tuned: tuned, options: options, to: path, replacesExisting: true)
    return try PatchFile(path: path)
  }

  private func streams(of patch: PatchFile) throws -> [String] {
    try SafetensorsFile(path: patch.path).tensors.map(\.name)
  }

  /// Both directions, tensor by tensor and with every digest.
  private func expectBothWays(
    _ patch: PatchFile, _ base: any TensorSource, _ tuned: any TensorSource
  ) throws {
    let there = try PatchedSource(base: base, patches: [patch])
    #expect(try Checkpoints.contents(of: there) == Checkpoints.contents(of: tuned))
    let result = try PatchVerifier.verify(patch, base: base, tuned: tuned)
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
  }

  @Test(
    "every kind goes both ways in every dtype", arguments: KindCase.allCases, DType.allCases)
  private func everyKind(change: KindCase, dtype: DType) throws {
    for (codec, blockShift) in [(CodecChoice.auto, nil), (.deflate, 6), (.context, 7)] {
      var random = SeededGenerator(seed: UInt64(dtype.alignmentRank) + 31)
      let sides = change.sides(dtype, &random)
      let (base, tuned) = (try sides.source(\.before), try sides.source(\.after))
      let patch = try export(base, tuned, codec: codec, blockShift: blockShift)
      #expect(patch.header.entries.map(\.kind) == [change.kind])
      try expectBothWays(patch, base, tuned)
    }
  }

  @Test("a grown vocabulary stores only its new rows", arguments: CodecChoice.allCases)
  func grownVocabulary(codec: CodecChoice) throws {
    var random = SeededGenerator(seed: 5)
    let bytes = Checkpoints.randomBytes(.f32, count: 5010 * 64, &random)
    var (base, tuned) = (TensorCollection(), TensorCollection())
    try base.set("words", dtype: .f32, shape: [5000, 64], bytes: Array(bytes[..<(5000 * 256)]))
    try tuned.set("words", dtype: .f32, shape: [5010, 64], bytes: bytes)
    let patch = try export(base, tuned, codec: codec)
    let entry = try #require(patch.entry(named: "words"))
    #expect(entry.kind == .grown && entry.changes == 0)
    let newRows = 10 * 64 * 4
    let report = try PatchInspector.inspect(patch)
    #expect(report.rows[0].indexByteCount + report.rows[0].valueByteCount < newRows + 64)
    try expectBothWays(patch, base, tuned)
  }

  @Test("tied weights are stored once", arguments: CodecChoice.allCases)
  func tied(codec: CodecChoice) throws {
    var random = SeededGenerator(seed: 6)
    let bytes = Checkpoints.randomBytes(.bf16, count: 100 * 32, &random)
    let other = Checkpoints.changed(bytes, width: 2, share: 0.2, &random)
    var (base, tuned) = (TensorCollection(), TensorCollection())
    for name in ["decoder.weight", "embeddings.weight"] {
      try base.set(name, dtype: .bf16, shape: [100, 32], bytes: bytes)
      try tuned.set(name, dtype: .bf16, shape: [100, 32], bytes: other)
    }
    let patch = try export(base, tuned, codec: codec)
    #expect(patch.header.entries.map(\.kind) == [.changed, .alias])
    #expect(patch.header.entries[1].original == "decoder.weight")
    #expect(try streams(of: patch) == ["tensor:decoder.weight"])
    try expectBothWays(patch, base, tuned)
    for name in ["decoder.weight", "embeddings.weight"] {
      var copy = bytes
      let changes = try copy.withUnsafeBytes { try patch.tensorPatch(named: name, base: $0) }
      copy.withUnsafeMutableBytes { changes.apply(to: $0) }
      #expect(copy == other)
    }
  }

  @Test("a tensor that becomes equal to one that stays is stored as its alias")
  func aliasOfUnchanged() throws {
    var random = SeededGenerator(seed: 7)
    let bytes = Checkpoints.randomBytes(.f32, count: 600, &random)
    var (base, tuned) = (TensorCollection(), TensorCollection())
    try base.set("a", dtype: .f32, shape: [20, 30], bytes: bytes)
    tuned = base
    try tuned.set("b", dtype: .f32, shape: [20, 30], bytes: bytes)
    let patch = try export(base, tuned)
    #expect(patch.header.entries.map(\.kind) == [.alias])
    #expect(try streams(of: patch).isEmpty)
    try expectBothWays(patch, base, tuned)
    let back = try export(tuned, base)
    #expect(back.header.entries.map(\.kind) == [.alias])
    try expectBothWays(back, tuned, base)
  }

  @Test("scalars and tensors without elements go both ways", arguments: DType.allCases)
  func smallest(dtype: DType) throws {
    guard dtype.bitWidth % 8 == 0 else { return }
    var random = SeededGenerator(seed: 8)
    let one = Checkpoints.randomBytes(dtype, count: 1, &random)
    let other = Checkpoints.changed(one, width: CodingUnit(dtype).byteCount, share: 1, &random)
    var (base, tuned) = (TensorCollection(), TensorCollection())
    try base.set("a.scalar", dtype: dtype, shape: [], bytes: one)
    try tuned.set("a.scalar", dtype: dtype, shape: [], bytes: other)
    try base.set("b.one", dtype: dtype, shape: [1], bytes: one)
    try tuned.set("b.one", dtype: dtype, shape: [], bytes: one)
    try base.set("c.none", dtype: dtype, shape: [0, 3], bytes: [])
    try tuned.set("c.none", dtype: dtype, shape: [3, 0], bytes: [])
    try base.set("d.grown", dtype: dtype, shape: [0], bytes: [])
    try tuned.set("d.grown", dtype: dtype, shape: [1], bytes: one)
    try tuned.set("e.none", dtype: dtype, shape: [0], bytes: [])
    let patch = try export(base, tuned)
    #expect(
      patch.header.entries.map(\.kind) == [.changed, .reshaped, .reshaped, .grown, .added])
    try expectBothWays(patch, base, tuned)
    try expectBothWays(try export(tuned, base), tuned, base)
  }

  @Test("the patch does not depend on the number of threads", arguments: CodecChoice.allCases)
  func threads(codec: CodecChoice) throws {
    let (base, tuned) = try Checkpoints.pair(seed: 12)
    let digests = try (1...5).map { threadCount in
      var options = ExportOptions(codec: codec)
      options.threadCount = threadCount
      options.blockShift = 5
      let path = folder.file("\(threadCount).ctkpatch")
      _ = try PatchExporter.export(base: base, tuned: tuned, options: options, to: path)
      return Digest.of(try readSmallFile(path))
    }
    #expect(Set(digests).count == 1)
  }

  @Test("names that only look equal stay apart")
  func canonicallyEquivalentNames() throws {
    let names = ["caf\u{E9}.weight", "cafe\u{301}.weight"]
    #expect(names[0] == names[1])
    var (base, tuned) = (TensorCollection(), TensorCollection())
    for (number, name) in names.enumerated() {
      try base.set(name, shape: [3], floats: [1, 2, Float(number)])
      try tuned.set(name, shape: [3], floats: [1, 3 + Float(number), Float(number)])
    }
    let patch = try export(base, tuned)
    #expect(patch.header.entries.count == 2)
    #expect(try PatchVerifier.verify(patch, base: base, tuned: tuned).isOK)
    let there = try PatchedSource(base: base, patches: [patch])
    for name in names {
      let (found, expected) = (
        try there.withTensorBytes(name) { Array($0) }, try tuned.withTensorBytes(name) { Array($0) }
      )
      #expect(found == expected)
    }
    let (before, after) = (folder.file("base"), folder.file("tuned"))
    try Checkpoints.write(base, to: before)
    try Checkpoints.write(tuned, to: after)
    let output = folder.file("out.safetensors")
    _ = try PatchApplier.apply(base: before, patches: [patch.path], output: output)
    #expect(try readSmallFile(output) == readSmallFile(after))
    let diff = try CheckpointComparer.compare(base, tuned)
    #expect(diff.rows(.changed).count == 2)
    let squashed = folder.file("squashed.ctkpatch")
    let summary = try PatchSquasher.squash([patch], base: base, to: squashed)
    #expect(summary.entries.count == 2)
    let composed = try PatchComposer.compose(
      base: base, patches: [patch], options: ComposeOptions(policy: .error),
      to: folder.file("composed.ctkpatch"))
    #expect(composed.patch.targetFingerprint == patch.header.targetFingerprint)
    let overlap = try OverlapMeter.measure([.patch(patch), .patch(patch)])
    #expect(overlap.pairs[0].common == 2)
  }
}
