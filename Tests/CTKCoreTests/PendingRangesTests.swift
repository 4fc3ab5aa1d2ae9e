import CTKCore
import Testing

@Suite("Ranges that are gathered")
struct PendingRangesTests {
  private let limit = PendingRanges.byteLimit

  @Test("come out joined once they are many, and only once")
  func joined() {
    var pending = PendingRanges()
    let quarter = limit / 4
    #expect(pending.add(quarter..<2 * quarter).isEmpty)
    #expect(pending.add(8 * quarter..<9 * quarter).isEmpty)
    #expect(pending.add(0..<quarter).isEmpty)
    let all = pending.add(9 * quarter..<10 * quarter)
    #expect(all == [0..<2 * quarter, 8 * quarter..<10 * quarter])
    #expect(pending.add(0..<1).isEmpty)
  }

  @Test("a large one comes out at once, an empty one never")
  func extremes() {
    var pending = PendingRanges()
    #expect(pending.add(5..<5).isEmpty)
    #expect(pending.add(100..<100 + limit) == [100..<100 + limit])
  }

  @Test("those that were removed never come out")
  func removed() {
    var pending = PendingRanges()
    #expect(pending.add(0..<limit / 2).isEmpty)
    #expect(pending.add(limit..<limit + 10).isEmpty)
    pending.remove(within: 0..<limit - 1)
    #expect(pending.add(2 * limit..<5 * limit / 2).isEmpty)
    #expect(pending.add(3 * limit..<4 * limit).first == limit..<limit + 10)
  }
}
