import CTKModel
import CTKTestSupport
import CTKText
import CTKTuning
import Testing

struct TokenBudgetTests {
  private func data(_ lengths: [Int]) -> TokenizedDataset {
    TokenizedDataset(
      lengths.map { length in
        Encoding(
          inputIDs: Array(repeating: 1, count: length),
          tokenTypeIDs: Array(repeating: 0, count: length))
      }, targets: nil)
  }

  @Test func longExamplesStandAlone() {
    let data = data([3, 3, 4, 12, 1, 9, 2])
    let batches = data.batches(of: Array(0..<7), tokenBudget: 10)
    #expect(batches == [[0, 1, 2], [3], [4, 5], [6]])
    let limits = data.limits(of: batches)
    #expect((limits.tokens, limits.sequences, limits.longest) == (12, 3, 12))
    #expect(data.batches(of: [], tokenBudget: 10).isEmpty)
  }

  /// Every example comes once, in order, and no two neighbours would have fitted in one batch.
  @Test(arguments: 1...20)
  func cutsAreTight(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let lengths = (0..<50).map { _ in Int.random(in: 1...30, using: &random) }
    let data = data(lengths)
    let order = Array(0..<50).shuffled(using: &random)
    let batches = data.batches(of: order, tokenBudget: 40)
    #expect(Array(batches.joined()) == order)
    let totals = batches.map { $0.map { lengths[$0] }.reduce(0, +) }
    #expect(totals.allSatisfy { $0 <= 40 })
    for (total, next) in zip(totals, batches.dropFirst()) {
      #expect(total + lengths[next[0]] > 40)
    }
  }
}
