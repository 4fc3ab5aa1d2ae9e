import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

/// How much of a tensor changes.
private enum Density: CaseIterable {
  case none, one, perMille, tenth, all

  var share: Double {
    switch self {
    case .none, .one: 0
    case .perMille: 0.001
    case .tenth: 0.1
    case .all: 1
    }
  }
}

@Suite("Exactness", .tags(.format))
struct ExactnessTests {
  private let folder = TemporaryFolder()

  private func source(
    _ dtype: DType, shape: [Int], _ bytes: [UInt8]
  ) throws -> TensorCollection {
    var result = TensorCollection()
    try result.set("t", dtype: dtype, shape: shape, bytes: bytes)
    return result
  }

  @Test(
    "applying gives the tuned bits and reverting the base's", arguments: DType.allCases,
    Density.allCases)
  private func everyDType(dtype: DType, density: Density) throws {
    let choices: [(Int?, CodecChoice)] = [
      (nil, .auto), (4, .context), (9, .deflate), (nil, .context),
    ]
    for (round, (blockShift, codec)) in choices.enumerated() {
      var random = SeededGenerator(seed: UInt64(round * 100 + dtype.alignmentRank))
      let bytes = Checkpoints.randomBytes(dtype, count: 4000, &random)
      let tunedBytes =
        density == .none
        ? bytes
        : Checkpoints.changed(
          bytes, width: CodingUnit(dtype).byteCount, share: density.share, &random)
      let base = try source(dtype, shape: [50, 80], bytes)
      let tuned = try source(dtype, shape: [50, 80], tunedBytes)
      var options = ExportOptions(codec: codec)
      options.blockShift = blockShift
      let path = folder.file("\(round).ctkpatch")
      _ = try PatchExporter.export(base: base, tuned: tuned, options: options, to: path)
      let patch = try PatchFile(path: path)
      #expect(patch.header.entries.count == (density == .none ? 0 : 1))
      try expectBothWays(patch, base: base, tuned: tuned)
    }
  }

  private func expectBothWays(
    _ patch: PatchFile, base: any TensorSource, tuned: any TensorSource
  ) throws {
    let there = try PatchedSource(base: base, patches: [patch])
    #expect(try Checkpoints.contents(of: there) == Checkpoints.contents(of: tuned))
    let result = try PatchVerifier.verify(patch, base: base, tuned: tuned)
    #expect(result.isOK, "\(String(describing: result.firstDifference))")
    guard patch.entry(named: "t") != nil else { return }
    var bytes = try base.withTensorBytes("t") { Array($0) }
    let tensor = try bytes.withUnsafeBytes { try patch.tensorPatch(named: "t", base: $0) }
    bytes.withUnsafeMutableBytes { tensor.apply(to: $0) }
    #expect(try tuned.withTensorBytes("t") { Array($0) } == bytes)
    bytes.withUnsafeMutableBytes { tensor.revert(in: $0) }
    #expect(try base.withTensorBytes("t") { Array($0) } == bytes)
  }

  @Test(
    "added, removed and replaced tensors return in every dtype", arguments: DType.allCases,
    CodecChoice.allCases)
  func wholeTensors(dtype: DType, codec: CodecChoice) throws {
    for shape in [[], [0, 3], [40, 100]] {
      let count = shape.reduce(1, *)
      guard count * dtype.bitWidth % 8 == 0 else { continue }
      var random = SeededGenerator(seed: 77)
      var (base, tuned) = (TensorCollection(), TensorCollection())
      let first = Checkpoints.randomBytes(dtype, count: count, &random)
      let second = Checkpoints.randomBytes(dtype, count: count, &random)
      try base.set("gone", dtype: dtype, shape: shape, bytes: first)
      try tuned.set("new", dtype: dtype, shape: shape, bytes: second)
      try base.set("other", dtype: dtype, shape: shape, bytes: second)
      try tuned.set("other", dtype: dtype, shape: shape + [1], bytes: first)
      let narrow: DType = dtype == .u8 ? .i8 : .u8
      try base.set("retyped", dtype: dtype, shape: shape, bytes: first)
      try tuned.set("retyped", dtype: narrow, shape: [second.count], bytes: second)
      let path = folder.file("\(count).ctkpatch")
      _ = try PatchExporter.export(
        base: base, tuned: tuned, options: ExportOptions(codec: codec), to: path)
      let patch = try PatchFile(path: path)
      #expect(patch.header.entries.map(\.kind) == [.removed, .added, .reshaped, .replaced])
      try expectBothWays(patch, base: base, tuned: tuned)
      #expect(try patch.addedTensor(named: "new") == second)
    }
  }

  @Test("zeros of either sign and NaN payloads are changes")
  func bitsNotNumbers() throws {
    let nans: [Float] = [.init(bitPattern: 0x7FC0_0000), .init(bitPattern: 0x7FC0_0001)]
    var (base, tuned) = (TensorCollection(), TensorCollection())
    try base.set("t", shape: [4], floats: [0.0, nans[0], nans[0], 1])
    try tuned.set("t", shape: [4], floats: [-0.0, nans[1], nans[0], 1])
    let summary = try PatchExporter.export(base: base, tuned: tuned, to: folder.file("p"))
    #expect(summary.changes == 2)
    try expectBothWays(PatchFile(path: folder.file("p")), base: base, tuned: tuned)
  }

  @Test("many random models go both ways", arguments: 0..<12)
  func randomModels(seed: Int) throws {
    let bench = try PatchBench(
      in: folder, seed: UInt64(seed) + 1000, blockShift: [4, nil, 7][seed % 3])
    let patch = try PatchFile(path: bench.patchPath)
    let there = try PatchedSource(base: bench.base, patches: [patch])
    #expect(try Checkpoints.contents(of: there) == Checkpoints.contents(of: bench.tuned))
    #expect(try PatchVerifier.verify(patch, base: bench.base, tuned: bench.tuned).isOK)
  }
}
