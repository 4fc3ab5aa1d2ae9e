import CTKCore
import CTKPatch
import CTKTestSupport
import Testing

@Suite("Overlap and density", .tags(.format))
struct OverlapTests {
  private let bench = AlgebraBench()

  private func mask(
    _ tensors: [(name: String, shape: [Int], positions: [UInt32])]
  ) throws -> WeightSelection {
    let masked = try tensors.map {
      try MaskedTensor(name: $0.name, shape: $0.shape, positions: $0.positions)
    }
    let scored = masked.reduce(0) { $0 + $1.elementCount }
    return .mask(
      try ParameterMask(
        tensors: masked, baseFingerprint: .of([]), scored: scored, keep: 0.1, score: "random"))
  }

  @Test("ratios and chance by hand")
  func byHand() throws {
    let first = try mask([("a", [10], [0, 1, 2, 3]), ("b", [10], [5])])
    let second = try mask([("a", [10], [2, 3, 4, 5, 6]), ("b", [10], [])])
    let report = try OverlapMeter.measure([first, second])
    #expect(report.selected == [5, 5])
    let pair = try #require(report.pair(1, 0))
    #expect(pair.common == 2 && pair.unitCount == 20)
    #expect(report.ratio(0, in: 1) == 0.4 && report.ratio(1, in: 1) == 1)
    #expect(report.chance(0, in: 1) == 0.25)
    #expect(report.chanceInTensors(0, in: 1) == 0.4)
    #expect(report.jaccard(pair) == 0.25)
  }

  @Test("random selections against counting with sets", arguments: 0..<5)
  func counting(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    var sets: [Set<UInt32>] = []
    var masks: [WeightSelection] = []
    for _ in 0..<3 {
      let positions = (UInt32(0)..<1000).filter { _ in random.next() % 3 == 0 }
      sets.append(Set(positions))
      masks.append(try mask([("w", [20, 50], positions)]))
    }
    let report = try OverlapMeter.measure(masks)
    for first in 0..<3 {
      for second in first + 1..<3 {
        #expect(
          report.pair(first, second)?.common == sets[first].intersection(sets[second]).count)
      }
    }
  }

  @Test("a patch stands for the weights it changes", arguments: [DType.f32, .bf16, .u8])
  func patches(dtype: DType) throws {
    var random = SeededGenerator(seed: 9)
    let bytes = Checkpoints.randomBytes(dtype, count: 600, &random)
    let width = CodingUnit(dtype).byteCount
    let changed = Checkpoints.changed(bytes, width: width, share: 0.4, &random)
    var (base, tuned) = (TensorCollection(), TensorCollection())
    try base.set("w", dtype: dtype, shape: [20, 30], bytes: bytes)
    try tuned.set("w", dtype: dtype, shape: [20, 30], bytes: changed)
    try tuned.set("head", shape: [2], floats: [1, 2])
    let patch = WeightSelection.patch(
      try bench.patch("p", from: base, to: tuned, blockShift: 6))
    let positions = (0..<600).filter { unit in
      (0..<width).contains { bytes[unit * width + $0] != changed[unit * width + $0] }
    }
    let mask = try mask([("w", [20, 30], positions.map { UInt32($0) })])
    let report = try OverlapMeter.measure([patch, mask])
    #expect(report.ratio(0, in: 1) == 1 && report.ratio(1, in: 0) == 1)
    #expect(report.pair(0, 1)?.unitCount == 600)
    for selection in [patch, mask] {
      let grid = try selection.grid(of: try #require(selection.tensors.first), limit: 7)
      #expect(grid.gridRows == 7 && grid.gridColumns == 7)
      #expect(grid.counts.reduce(0, +) == positions.count)
      let corner = positions.count { $0 / 30 * 7 / 20 == 0 && $0 % 30 * 7 / 30 == 0 }
      #expect(grid.counts[0] == corner)
      #expect(grid.density(row: 0, column: 0) == Double(corner) / 15)
    }
  }

  @Test("a full selection is dense everywhere", arguments: [[7, 5], [13], [], [3, 4, 5]])
  func fullGrid(shape: [Int]) throws {
    let count = shape.reduce(1, *)
    let selection = try mask([("w", shape, (0..<UInt32(count)).map { $0 })])
    let grid = try selection.grid(of: try #require(selection.tensors.first), limit: 4)
    for row in 0..<grid.gridRows {
      for column in 0..<grid.gridColumns {
        #expect(grid.density(row: row, column: column) == 1)
      }
    }
    #expect(grid.density == 1)
  }

  @Test("tensors of several shapes are refused")
  func mismatch() throws {
    let first = try mask([("w", [10], [1])])
    let second = try mask([("w", [2, 5], [1])])
    #expect(
      AlgebraBench.code { _ = try OverlapMeter.measure([first, second]) }
        == "selection.mismatch")
  }

  @Test("an empty selection has no ratio to fear")
  func empty() throws {
    let report = try OverlapMeter.measure([
      try mask([("w", [10], [])]), try mask([("v", [10], [1])]),
    ])
    #expect(report.ratio(0, in: 1) == 0 && report.ratio(1, in: 0) == 0)
    #expect(report.chance(0, in: 1) == 0.05)
  }
}
