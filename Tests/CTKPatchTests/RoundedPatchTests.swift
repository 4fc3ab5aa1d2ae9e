import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Testing

/// A model of which some weights are trained, with a dense head.
private struct Child {
  let base: TensorCollection
  let tuned: TensorCollection
  let mask: ParameterMask

  init(seed: UInt64 = 1, scale: Float = 0.001) throws {
    var (base, tuned) = (TensorCollection(), TensorCollection())
    var masked: [MaskedTensor] = []
    for (index, name) in ["a.weight", "b.weight"].enumerated() {
      let sample = BlockSample(rows: 120, width: 96, seed: seed + UInt64(index))
      try base.set(name, shape: [120, 96], floats: sample.base.map { Float(bitPattern: $0) })
      var floats = sample.tuned.map { Float(bitPattern: $0) }
      // One weight of the mask that did not change.
      floats[Int(sample.positions[0])] = Float(bitPattern: sample.base[Int(sample.positions[0])])
      try tuned.set(name, shape: [120, 96], floats: floats)
      masked.append(
        try MaskedTensor(name: name, shape: [120, 96], positions: sample.positions))
    }
    var random = SeededGenerator(seed: seed + 9)
    let head = random.floats(300)
    try base.set("head", shape: [10, 30], floats: head)
    try tuned.set("head", shape: [10, 30], floats: head.map { $0 + scale * $0 * $0 })
    try base.set("c.half", dtype: .bf16, shape: [4], bytes: [0, 1, 2, 3, 4, 5, 6, 7])
    try tuned.set("c.half", dtype: .bf16, shape: [4], bytes: [0, 1, 9, 3, 4, 5, 6, 7])
    (self.base, self.tuned) = (base, tuned)
    mask = try ParameterMask(
      tensors: masked, baseFingerprint: Fingerprint.checkpoint([]), scored: 23040, keep: 0.1,
      score: "fisher")
  }
}

@Suite("Patches with rounded changes", .tags(.format))
struct RoundedPatchTests {
  private let folder: TemporaryFolder

  init() { folder = TemporaryFolder() }

  private func export(
    _ child: Child, _ name: String, _ rounding: Rounding, codec: CodecChoice = .auto,
    mask: ParameterMask? = nil, threadCount: Int? = nil
  ) throws -> PatchFile {
    var options = ExportOptions(codec: codec)
    options.rounding = rounding
    options.mask = mask
    options.threadCount = threadCount
    let path = folder.file(name)
    _ = try PatchExporter.export(
      base: child.base, tuned: child.tuned, options: options, to: path)
    return try PatchFile(path: path, masks: mask.map { [$0] } ?? [])
  }

  /// The target, made by applying in memory.
  private func target(_ patch: PatchFile, _ base: TensorCollection) throws -> TensorCollection {
    var result = base
    for info in base.tensors {
      guard patch.entry(named: info.name) != nil else { continue }
      var bytes = try base.withTensorBytes(info.name) { Array($0) }
      let changes = try bytes.withUnsafeBytes {
        try patch.tensorPatch(named: info.name, base: $0)
      }
      bytes.withUnsafeMutableBytes { changes.apply(to: $0) }
      try result.set(info.name, dtype: info.dtype, shape: info.shape, bytes: bytes)
    }
    return result
  }

  @Test(
    "the rounded model is the target, and both directions are exact",
    arguments: [Rounding.bf16, .int8, .int4], CodecChoice.allCases)
  func exact(rounding: Rounding, codec: CodecChoice) throws {
    let child = try Child()
    let patch = try export(child, "p", rounding, codec: codec)
    let target = try target(patch, child.base)
    let result = try PatchVerifier.verify(patch, base: child.base, tuned: target)
    #expect(result.isOK)
    let record = try #require(patch.header.rounding)
    #expect(record.rounding == rounding)
    #expect(record.unroundedFingerprint == Fingerprint.checkpoint(digests(of: child.tuned)))
    #expect(record.error.worst > 0 && record.error.mean < record.error.worst)
    // Changes of other dtypes are kept as they are.
    #expect(patch.entry(named: "c.half")?.changes == 1)
    let unrounded = try PatchVerifier.verify(
      patch, base: child.base, unrounded: child.tuned)
    #expect(unrounded.isOK)
    let other = try PatchVerifier.verify(patch, base: child.base, unrounded: child.base)
    #expect(other.firstDifference?.place == "unrounded")
  }

  private func digests(of source: TensorCollection) -> [(name: String, digest: Digest)] {
    source.tensors.map { info in
      let digest = try? source.withTensorBytes(info.name) { Fingerprint.tensor(info, bytes: $0) }
      return (info.name, digest ?? .of([UInt8]()))
    }
  }

  @Test("rounding makes patches smaller, the more the coarser")
  func sizes() throws {
    let child = try Child()
    let sizes = try [Rounding.none, .bf16, .int8, .int4].map {
      try export(child, "\($0)", $0).byteCount
    }
    #expect(sizes == sizes.sorted(by: >))
    #expect(Set(sizes).count == 4)
  }

  @Test("equal inputs give equal bytes on any number of threads")
  func deterministic() throws {
    let child = try Child()
    let first = try export(child, "1", .int8, threadCount: 1)
    let second = try export(child, "2", .int8, threadCount: 3)
    #expect(first.digest == second.digest)
  }

  @Test("rounded patches squash and compose exactly")
  func algebra() throws {
    let child = try Child()
    let first = try export(child, "1", .int8)
    let middle = try target(first, child.base)
    var options = ExportOptions()
    options.rounding = .int4
    _ = try PatchExporter.export(
      base: middle, tuned: child.tuned, options: options, to: folder.file("2"))
    let second = try PatchFile(path: folder.file("2"))
    _ = try PatchSquasher.squash([first, second], base: child.base, to: folder.file("s"))
    let squashed = try PatchFile(path: folder.file("s"))
    #expect(squashed.header.targetFingerprint == second.header.targetFingerprint)
    #expect(
      try PatchVerifier.verify(
        squashed, base: child.base, tuned: try target(second, middle)
      ).isOK)
  }
}

@Suite("Patches that refer to a mask", .tags(.format))
struct MaskReferenceTests {
  private let folder: TemporaryFolder

  init() { folder = TemporaryFolder() }

  private func export(
    _ base: TensorCollection, _ tuned: TensorCollection, _ name: String, mask: ParameterMask?,
    codec: CodecChoice = .auto, rounding: Rounding = .none
  ) throws -> String {
    var options = ExportOptions(codec: codec)
    options.mask = mask
    options.rounding = rounding
    _ = try PatchExporter.export(
      base: base, tuned: tuned, options: options, to: folder.file(name))
    return folder.file(name)
  }

  @Test(
    "values alone are stored, and both directions are exact", arguments: CodecChoice.allCases,
    [Rounding.none, .int8])
  func exact(codec: CodecChoice, rounding: Rounding) throws {
    let child = try Child()
    let path = try export(
      child.base, child.tuned, "m", mask: child.mask, codec: codec, rounding: rounding)
    let whole = try export(
      child.base, child.tuned, "w", mask: nil, codec: codec, rounding: rounding)
    let patch = try PatchFile(path: path, masks: [child.mask])
    #expect(patch.header.maskDigest == child.mask.digest)
    let other = try PatchFile(path: whole)
    #expect(patch.header.targetFingerprint == other.header.targetFingerprint)
    let (own, full) = (
      try PatchInspector.inspect(patch).rows.reduce(0) { $0 + $1.indexByteCount },
      try PatchInspector.inspect(other).rows.reduce(0) { $0 + $1.indexByteCount }
    )
    #expect(own * 4 < full, "\(own) against \(full) bytes of positions")
    let tuned: TensorCollection? = rounding == .none ? child.tuned : nil
    #expect(try PatchVerifier.verify(patch, base: child.base, tuned: tuned).isOK)
  }

  @Test("a missing mask and another mask are told apart")
  func missing() throws {
    let child = try Child()
    let path = try export(child.base, child.tuned, "m", mask: child.mask)
    let alone = try PatchFile(path: path)
    #expect(AlgebraBench.code { _ = try PatchVerifier.verify(alone) } == "patch.needs-mask")
    #expect(
      AlgebraBench.code { _ = try alone.tensorPatch(named: "a.weight", base: nil) }
        == "patch.needs-mask")
    let other = try Child(seed: 77).mask
    #expect(
      AlgebraBench.code { _ = try PatchFile(path: path, masks: [other]) } == "patch.wrong-mask")
    #expect(throws: Never.self) { try PatchFile(path: path, masks: [other, child.mask]) }
    // Sizes can be told without the positions.
    #expect(try PatchInspector.inspect(alone).changes > 0)
  }

  @Test("chains over one mask apply, squash and switch")
  func chains() throws {
    let (first, second) = (try Child(), try Child(scale: 0.01))
    let one = try export(first.base, first.tuned, "1", mask: first.mask)
    let two = try export(first.tuned, second.tuned, "2", mask: first.mask)
    let patches = try [one, two].map { try PatchFile(path: $0, masks: [first.mask]) }
    _ = try PatchSquasher.squash(patches, base: first.base, to: folder.file("s"))
    let squashed = try PatchFile(path: folder.file("s"))
    #expect(squashed.header.maskDigest == nil)
    #expect(try PatchVerifier.verify(squashed, base: first.base, tuned: second.tuned).isOK)
  }
}
