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
}
