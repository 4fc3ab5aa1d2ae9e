/// A pair of neighbouring symbols that becomes one.
struct Merge: BitwiseCopyable, Sendable {
  /// Earlier merges come first.
  let rank: UInt32
  /// The symbol that the pair becomes.
  let symbol: Int32

  /// Of pairs that stay apart.
  static let none = Merge(rank: .max, symbol: -1)

  @inline(__always)
  var exists: Bool { rank != .max }
}

/// The merges of a model by the pair that they join.
struct MergeTable: Sendable {
  private struct Slot: BitwiseCopyable {
    var pair: UInt64
    var merge: Merge
  }

  private let slots: FrozenTable<Slot>
  private let hash: StepHash

  init(_ merges: [(left: Int32, right: Int32, merge: Merge)]) {
    var slotCount = 2
    while slotCount < 2 * merges.count { slotCount *= 2 }
    let hash = StepHash(slotCount: slotCount)
    var slots = [Slot](repeating: Slot(pair: Self.free, merge: .none), count: slotCount)
    for (left, right, merge) in merges {
      let pair = Self.pair(left, right)
      var slot = hash.slot(of: pair)
      while slots[slot].pair != Self.free && slots[slot].pair != pair {
        slot = hash.slot(after: slot)
      }
      slots[slot] = Slot(pair: pair, merge: merge)
    }
    self.slots = FrozenTable(slots)
    self.hash = hash
  }

  /// What a pair becomes, `Merge.none` where it stays.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> Merge {
    let pair = Self.pair(left, right)
    var slot = hash.slot(of: pair)
    while true {
      let found = slots.base[slot]
      if found.pair == pair { return found.merge }
      if found.pair == Self.free { return .none }
      slot = hash.slot(after: slot)
    }
  }

  /// No pair of ids, which are not negative.
  private static let free = UInt64.max

  @inline(__always)
  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }
}
