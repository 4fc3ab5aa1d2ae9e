import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Comparing checkpoints", .tags(.format))
struct DiffTests {
  private func pair(
    _ dtype: DType, _ old: [UInt8], _ new: [UInt8]
  ) throws -> ChangeStatistics {
    let width = CodingUnit(dtype).byteCount
    var sides: [TensorCollection] = []
    for bytes in [old, new] {
      var side = TensorCollection()
      try side.set(
        "t", dtype: dtype, shape: [bytes.count * 8 / dtype.bitWidth], bytes: bytes)
      sides.append(side)
    }
    let diff = try CheckpointComparer.compare(sides[0], sides[1])
    let statistics = try #require(diff.rows.first?.statistics)
    #expect(statistics.unitCount == old.count / width)
    return statistics
  }

  private func pair(_ old: [Float], _ new: [Float]) throws -> ChangeStatistics {
    try pair(.f32, old.withUnsafeBytes { Array($0) }, new.withUnsafeBytes { Array($0) })
  }

  @Test("every kind of tensor is told apart")
  func kinds() throws {
    let (base, tuned) = try Checkpoints.pair(seed: 3)
    let diff = try CheckpointComparer.compare(base, tuned)
    #expect(!diff.isIdentical)
    #expect(diff.rows(.changed).map(\.name) == ["a.weight", "b.weight", "c.scale"])
    #expect(diff.rows(.unchanged).map(\.name) == ["d.same", "e.none"])
    #expect(diff.rows(.removed).map(\.name) == ["f.gone"])
    #expect(diff.rows(.added).map(\.name) == ["g.head"])
    #expect(diff.rows(.replaced).map(\.name) == ["h.grown"])
    #expect(try CheckpointComparer.compare(base, base).isIdentical)
    let json = diff.json
    #expect(json["changed"]?["count"] == 3 && json["added"]?["names"] == ["g.head"])
    #expect(json["changed_weights"]?.intValue == diff.total.changed)
  }

  @Test("changes are those that a patch holds", arguments: DType.allCases)
  func patchChanges(dtype: DType) throws {
    var random = SeededGenerator(seed: 5)
    // Longer than the stretches that are skipped when they are equal.
    let old = Checkpoints.randomBytes(dtype, count: 24_000, &random)
    var new = old
    let tail = Array(old[(old.count / 2)...])
    new.replaceSubrange(
      (old.count / 2)...,
      with: Checkpoints.changed(
        tail, width: CodingUnit(dtype).byteCount, share: 0.3, &random))
    let statistics = try pair(dtype, old, new)
    let folder = TemporaryFolder()
    var sides = (TensorCollection(), TensorCollection())
    try sides.0.set("t", dtype: dtype, shape: [24_000], bytes: old)
    try sides.1.set("t", dtype: dtype, shape: [24_000], bytes: new)
    _ = try PatchExporter.export(
      base: sides.0, tuned: sides.1, options: ExportOptions(codec: .deflate),
      to: folder.file("p"))
    let patch = try PatchFile(path: folder.file("p"))
    #expect(patch.entry(named: "t")?.changes == statistics.changed)
    #expect(try patch.steps(of: "t") == statistics.steps)
  }

  @Test("steps count representable numbers and cross zero")
  func steps() throws {
    let one: Float = 1
    let statistics = try pair(
      [one, one, 0, one, .leastNonzeroMagnitude],
      [one.nextUp, one.nextUp.nextUp.nextUp, -0.0, one, -.leastNonzeroMagnitude])
    #expect(statistics.changed == 4)
    #expect(statistics.steps.counts[..<3] == [2, 2, 0])
    #expect(statistics.steps.largest == 3 && statistics.steps.mean == 2)
  }

  @Test("changes relative to the weight fall into their bins")
  func relative() throws {
    let old: [Float] = [1, 1, 1, 1, 0, .nan, 1, .infinity, 4]
    let new: [Float] = [1 + 0x1p-23, 1.5, 3, -1, 1, 1, .infinity, .infinity, 4]
    let statistics = try pair(old, new)
    #expect(statistics.relative == [0, 1, 0, 0, 0, 0, 0, 1, 2])
    #expect(statistics.fromZero == 1 && statistics.notFinite == 2)
    #expect(statistics.largestChange == 2)
    #expect(statistics.changed == 7)
  }

  @Test("steps of the widest words do not overflow")
  func widest() throws {
    let old = [UInt8](repeating: 0, count: 8)
    let statistics = try pair(.u64, old, old.dropLast() + [0x80])
    #expect(statistics.steps.largest == 1 << 63)
    #expect(statistics.steps.largestJSON == .unsigned(1 << 63))
    #expect(statistics.steps.counts[63] == 1)
  }
}
