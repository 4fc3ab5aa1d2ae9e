import CTKTestSupport
import CTKTuning
import Testing

@Suite(.tags(.numeric))
struct ChildSelectionTests {
  private func choose(
    _ scores: [Float], _ count: Int, _ order: ChildSelection.Order = .highest
  ) -> [UInt32] {
    scores.withUnsafeBufferPointer { buffer in
      var threshold = ChildSelection.threshold(buffer, choosing: count, order)
      return threshold.choose(buffer)
    }
  }

  @Test(arguments: [1, 2, 17, 999, 1000])
  func choosesExactlyTheHighest(_ count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    let scores = random.floats(1000).map { $0 * $0 }
    let expected = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(count)
    #expect(choose(scores, count).map(Int.init) == expected.sorted())
    let lowest = scores.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }.prefix(count)
    #expect(choose(scores, count, .lowest).map(Int.init) == lowest.sorted())
  }

  /// A percentile threshold would keep all 1000 here; an exact choice keeps 300.
  @Test func tiesGoToTheLowerPosition() {
    let scores = (0..<1000).map { Float($0 % 200 == 0 ? 1 : 0) }
    let chosen = choose(scores, 300)
    #expect(chosen.count == 300)
    #expect(Set(chosen).isSuperset(of: [0, 200, 400, 600, 800]))
    #expect(chosen.max() == 800)
    #expect(chosen.filter { $0 % 200 != 0 }.max() == 296)
  }

  /// Chosen stretch by stretch, the result is the same.
  @Test func stretchesShareOneThreshold() {
    var random = SeededGenerator(seed: 5)
    let scores = (0..<500).map { _ in Float(random.next() % 7) }
    let whole = choose(scores, 123)
    let pieces: [UInt32] = scores.withUnsafeBufferPointer { buffer in
      var threshold = ChildSelection.threshold(buffer, choosing: 123, .highest)
      let first = threshold.choose(UnsafeBufferPointer(rebasing: buffer[..<210]))
      let second = threshold.choose(UnsafeBufferPointer(rebasing: buffer[210...]))
      return first + second.map { $0 + 210 }
    }
    #expect(pieces == whole)
  }

  @Test func keepRatiosAreExact() {
    #expect(ChildSelection.selectedCount(keep: 0.1, of: 10_646_784) == 1_064_678)
    #expect(ChildSelection.selectedCount(keep: 1, of: 12) == 12)
    #expect(ChildSelection.selectedCount(keep: 1e-9, of: 12) == 1)
  }

  /// Shares of all parts add up to the share of the whole, and none strays by more than one.
  @Test(arguments: [0.001, 0.1, 0.25, 1.0 / 3, 0.5, 0.999, 1])
  func quotasAddUp(_ keep: Double) {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<50 {
      let counts = (0..<Int(random.next() % 12 + 1)).map { _ in Int(random.next() % 500) }
      let whole = counts.reduce(0, +)
      let quotas = ChildSelection.quotas(keep: keep, of: counts)
      let expected = whole == 0 ? 0 : ChildSelection.selectedCount(keep: keep, of: whole)
      #expect(quotas.reduce(0, +) == expected, "\(counts)")
      for (quota, count) in zip(quotas, counts) {
        #expect(quota >= 0 && quota <= count)
        #expect(abs(Double(quota) - keep * Double(count)) <= 1)
      }
    }
  }
}

/// The authors' threshold: every score from the interpolated percentile up.
@Suite(.tags(.numeric))
struct PercentileTests {
  private func kept(_ scores: [Float], _ keep: Double) -> Int {
    scores.withUnsafeBufferPointer { buffer in
      var cut = ChildSelection.Cut.atLeast(ChildSelection.percentile(buffer, keep: keep))
      return cut.choose(buffer).count
    }
  }

  /// numpy.percentile of 5 ones among 995 zeros.
  @Test(arguments: [(0.3, 1000), (0.004, 5), (0.005, 5)])
  func tiesAreAllKept(_ keep: Double, _ expected: Int) {
    let scores = (0..<1000).map { Float($0 % 200 == 0 ? 1 : 0) }
    #expect(kept(scores, keep) == expected)
  }

  @Test func interpolatesBetweenNeighbours() {
    let scores = (0..<1000).map { Float($0 % 200 == 0 ? 1 : 0) }
    let threshold = scores.withUnsafeBufferPointer {
      ChildSelection.percentile($0, keep: 0.005)
    }
    #expect(abs(threshold - 0.005) < 1e-6)
    #expect(kept([0, 0, 0, 0], 0.25) == 4)
    #expect(kept([4, 1, 3, 2], 1) == 4)
    #expect(kept([7], 0.5) == 1)
  }

  /// Without ties `n - ceil((n - 1)(1 - p))` are kept; quarters keep the product exact.
  @Test(arguments: [2, 3, 5, 8, 100, 399])
  func keepsWhatTheFormulaSays(_ count: Int) {
    var random = SeededGenerator(seed: UInt64(count))
    var scores = (0..<count).map { Float($0) }
    scores.shuffle(using: &random)
    for quarters in 1...4 {
      let keep = Double(quarters) / 4
      #expect(kept(scores, keep) == count - Int((Double(count - 1) * (1 - keep)).rounded(.up)))
    }
  }
}
