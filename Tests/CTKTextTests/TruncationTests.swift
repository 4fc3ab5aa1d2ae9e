import CTKTestSupport
import CTKText
import Testing

/// Sides of a pair and what they keep for the budgets 1 to 5.
struct TruncationRow: Sendable {
  let first: Int
  let second: Int
  let kept: [[Int]]

  static let fast = [
    TruncationRow(first: 3, second: 5, kept: [[0, 1], [1, 1], [1, 2], [2, 2], [2, 3]]),
    TruncationRow(first: 3, second: 3, kept: [[0, 1], [1, 1], [1, 2], [2, 2], [2, 3]]),
    TruncationRow(first: 5, second: 3, kept: [[1, 0], [1, 1], [2, 1], [2, 2], [3, 2]]),
    TruncationRow(first: 5, second: 1, kept: [[1, 0], [1, 1], [2, 1], [3, 1], [4, 1]]),
    TruncationRow(first: 1, second: 5, kept: [[0, 1], [1, 1], [1, 2], [1, 3], [1, 4]]),
  ]
}

@Suite("Truncation, longest side first", .tags(.format))
struct TruncationTests {
  @Test(arguments: TruncationRow.fast)
  func keptCounts(_ row: TruncationRow) {
    for (budget, expected) in zip(1..., row.kept) {
      let kept = Truncation.keptCounts(row.first, row.second, budget: budget)
      #expect([kept.first, kept.second] == expected, "budget \(budget)")
    }
  }

  @Test func shortPairsStayWhole() {
    #expect(Truncation.keptCounts(3, 4, budget: 7) == (3, 4))
    #expect(Truncation.keptCounts(0, 0, budget: 0) == (0, 0))
    #expect(Truncation.keptCounts(9, 9, budget: 0) == (0, 0))
  }

  @Test("Nothing of the budget is wasted")
  func wholeBudget() {
    for first in 0..<12 {
      for second in 0..<12 {
        for budget in 0..<24 {
          let kept = Truncation.keptCounts(first, second, budget: budget)
          #expect(kept.first + kept.second == min(budget, first + second))
          #expect((0...first).contains(kept.first) && (0...second).contains(kept.second))
        }
      }
    }
  }

  @Test("A bound below the special tokens leaves just those")
  func onlySpecialTokens() throws {
    let tokenizer = try TokenizerFolder.load(Fixtures.path("checkpoints/bert/pt"))
    for maxLength in [-1, 0, 1, 2] {
      #expect(tokenizer.encode("other name", pair: nil, maxLength: maxLength).inputIDs == [2, 3])
    }
  }
}
