/// Joins the symbols of one word: always the pair with the earliest merge, the leftmost of those.
enum MergeWalk {
  /// Symbols up to which a plain search for the next merge beats a queue.
  static let shortLimit = 64

  /// A symbol and what it becomes with its right neighbour.
  struct Symbol: BitwiseCopyable {
    var id: Int32
    var next: Merge
  }

  /// Merges in place and gives the number of symbols that are left at the front.
  static func mergeShort(
    _ symbols: UnsafeMutableBufferPointer<Symbol>, _ merges: MergeTable
  ) -> Int {
    var count = symbols.count
    for position in 0..<count { rank(position, count, symbols, merges) }
    while true {
      var best = 0
      for position in 1..<max(1, count)
      where symbols[position].next.rank < symbols[best].next.rank { best = position }
      if count == 0 || !symbols[best].next.exists { return count }
      symbols[best].id = symbols[best].next.symbol
      count -= 1
      for position in best + 1..<max(best + 1, count) {
        symbols[position] = symbols[position + 1]
      }
      rank(best, count, symbols, merges)
      if best > 0 { rank(best - 1, count, symbols, merges) }
    }
  }

  @inline(__always)
  private static func rank(
    _ position: Int, _ count: Int, _ symbols: UnsafeMutableBufferPointer<Symbol>,
    _ merges: MergeTable
  ) {
    symbols[position].next =
      position + 1 < count
      ? merges.merge(symbols[position].id, symbols[position + 1].id) : .none
  }

  /// The same in n log n steps, for words of any length.
  static func mergeLong(_ ids: [Int32], _ merges: MergeTable) -> [Int32] {
    var chain = SymbolChain(ids, merges)
    chain.mergeAll()
    return chain.ids
  }
}

/// Symbols linked to their neighbours, with a queue of the merges to come.
private struct SymbolChain {
  private struct Link {
    var id: Int32
    var previous: Int
    var next: Int
    var merge: Merge
    var isGone = false
  }

  private var links: [Link]
  private let merges: MergeTable
  /// Rank in the high half, position in the low half; outdated entries are skipped.
  private var queue = MinimumQueue()

  init(_ ids: [Int32], _ merges: MergeTable) {
    self.merges = merges
    links = ids.enumerated().map { position, id in
      Link(id: id, previous: position - 1, next: position + 1, merge: .none)
    }
    for position in links.indices { rank(position) }
  }

  var ids: [Int32] { links.filter { !$0.isGone }.map(\.id) }

  mutating func mergeAll() {
    while let entry = queue.popMinimum() {
      let position = Int(entry & 0xFFFF_FFFF)
      let link = links[position]
      if link.isGone || UInt64(link.merge.rank) != entry >> 32 { continue }
      let eaten = links[link.next]
      links[link.next].isGone = true
      links[position].id = link.merge.symbol
      links[position].next = eaten.next
      if eaten.next < links.count { links[eaten.next].previous = position }
      rank(position)
      if link.previous >= 0 { rank(link.previous) }
    }
  }

  private mutating func rank(_ position: Int) {
    let next = links[position].next
    let merge =
      next < links.count ? merges.merge(links[position].id, links[next].id) : Merge.none
    links[position].merge = merge
    if merge.exists { queue.insert(UInt64(merge.rank) << 32 | UInt64(position)) }
  }
}

/// A binary heap of numbers.
private struct MinimumQueue {
  private var heap: [UInt64] = []

  mutating func insert(_ value: UInt64) {
    heap.append(value)
    var child = heap.count - 1
    while child > 0 && heap[child] < heap[(child - 1) / 2] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func popMinimum() -> UInt64? {
    guard let minimum = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return minimum }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && heap[child] < heap[least] { least = child }
      if least == parent { return minimum }
      heap.swapAt(least, parent)
      parent = least
    }
  }
}
