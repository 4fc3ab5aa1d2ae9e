/// The double-array trie inside a SentencePiece character map (the units of Darts-clone).
struct DoubleArray: Sendable {
  private let units: FrozenTable<UInt32>

  init(_ units: [UInt32]) { self.units = FrozenTable(units) }

  /// The value of the shortest key that `text` starts with.
  @inline(__always)
  func valueOfShortestPrefix(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard units.count > 0 else { return nil }
    var node = Self.offset(units.base[0])
    for byte in text {
      if byte == 0 { return nil }
      node ^= Int(byte)
      guard node < units.count else { return nil }
      let unit = units.base[node]
      if unit & (1 << 31 | 0xFF) != UInt32(byte) { return nil }
      node ^= Self.offset(unit)
      if unit & 0x100 != 0 {
        return node < units.count ? Int(units.base[node] & (1 << 31 - 1)) : nil
      }
    }
    return nil
  }

  @inline(__always)
  private static func offset(_ unit: UInt32) -> Int {
    Int((unit >> 10) << ((unit & 0x200) >> 6))
  }
}
