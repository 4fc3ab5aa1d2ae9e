/// Ids by whole words, found in one probe.
struct WordTable: Sendable {
  private struct Entry: BitwiseCopyable {
    let offset: UInt32
    let count: UInt32
    let id: Int32
  }

  /// High half of the hash and position in `entries` plus one; 0 where free.
  private let slots: FrozenTable<UInt64>
  private let entries: FrozenTable<Entry>
  private let bytes: FrozenTable<UInt8>
  /// Drawn at random, so that no file can be made whose words all collide.
  private let seed: UInt64
  private let slotMask: Int

  var isEmpty: Bool { entries.count == 0 }

  /// - Parameter words: distinct words, below 4 GiB altogether.
  init(_ words: [(bytes: [UInt8], id: Int32)]) {
    let seed = UInt64.random(in: .min ... .max) | 1
    var slotCount = 2
    while slotCount < 2 * words.count { slotCount *= 2 }
    var slots = [UInt64](repeating: 0, count: slotCount)
    var entries: [Entry] = []
    var bytes: [UInt8] = []
    for word in words {
      entries.append(
        Entry(offset: UInt32(bytes.count), count: UInt32(word.bytes.count), id: word.id))
      bytes += word.bytes
      let hash = word.bytes.withUnsafeBufferPointer { Self.hash($0, seed) }
      var slot = Int(truncatingIfNeeded: hash) & (slotCount - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slotCount - 1) }
      slots[slot] = hash & ~Self.entryMask | UInt64(entries.count)
    }
    self.seed = seed
    slotMask = slotCount - 1
    self.slots = FrozenTable(slots)
    self.entries = FrozenTable(entries)
    self.bytes = FrozenTable(bytes)
  }

  func id(of word: UnsafeBufferPointer<UInt8>) -> Int32? {
    let hash = Self.hash(word, seed)
    var slot = Int(truncatingIfNeeded: hash) & slotMask
    while true {
      let found = slots.base[slot]
      if found == 0 { return nil }
      if found & ~Self.entryMask == hash & ~Self.entryMask {
        let entry = entries.base[Int(found & Self.entryMask) - 1]
        if equals(entry, word) { return entry.id }
      }
      slot = (slot + 1) & slotMask
    }
  }

  private static let entryMask: UInt64 = 0xFFFF_FFFF

  @inline(__always)
  private func equals(_ entry: Entry, _ word: UnsafeBufferPointer<UInt8>) -> Bool {
    if Int(entry.count) != word.count { return false }
    let stored = bytes.base + Int(entry.offset)
    for position in 0..<word.count where stored[position] != word[position] { return false }
    return true
  }

  /// Multiplies the bytes in eight at a time.
  @inline(__always)
  private static func hash(_ word: UnsafeBufferPointer<UInt8>, _ seed: UInt64) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: word.count)
    let raw = UnsafeRawBufferPointer(word)
    var position = 0
    while position + 8 <= raw.count {
      hash = mix(hash, raw.loadUnaligned(fromByteOffset: position, as: UInt64.self), seed)
      position += 8
    }
    var rest: UInt64 = 0
    while position < raw.count {
      rest = rest << 8 | UInt64(raw[position])
      position += 1
    }
    return mix(hash, rest, seed)
  }

  @inline(__always)
  private static func mix(_ hash: UInt64, _ word: UInt64, _ seed: UInt64) -> UInt64 {
    let product = (hash ^ word).multipliedFullWidth(by: seed)
    return product.high ^ product.low
  }
}
