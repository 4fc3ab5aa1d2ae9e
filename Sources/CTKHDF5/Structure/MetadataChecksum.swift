/// The checksum of all structures since version 1.8: Bob Jenkins' `lookup3`
/// hash with an initial value of 0.
enum MetadataChecksum {
  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var state = State(seed: 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count))
    var position = 0
    while bytes.count - position > 12 {
      state.add(bytes, from: position, count: 12)
      state.mix()
      position += 12
    }
    if position == bytes.count { return state.c }
    state.add(bytes, from: position, count: bytes.count - position)
    state.finish()
    return state.c
  }

  private struct State {
    var a: UInt32
    var b: UInt32
    var c: UInt32

    init(seed: UInt32) { (a, b, c) = (seed, seed, seed) }

    mutating func add(_ bytes: UnsafeRawBufferPointer, from start: Int, count: Int) {
      a &+= Self.word(bytes, start, min(count, 4))
      b &+= Self.word(bytes, start + 4, min(max(count - 4, 0), 4))
      c &+= Self.word(bytes, start + 8, min(max(count - 8, 0), 4))
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UInt32
    {
      var word: UInt32 = 0
      for offset in 0..<count { word |= UInt32(bytes[start + offset]) << UInt32(8 * offset) }
      return word
    }

    private func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 {
      word << bits | word >> (32 - bits)
    }

    mutating func mix() {
      a = (a &- c) ^ rotated(c, 4)
      c &+= b
      b = (b &- a) ^ rotated(a, 6)
      a &+= c
      c = (c &- b) ^ rotated(b, 8)
      b &+= a
      a = (a &- c) ^ rotated(c, 16)
      c &+= b
      b = (b &- a) ^ rotated(a, 19)
      a &+= c
      c = (c &- b) ^ rotated(b, 4)
      b &+= a
    }

    mutating func finish() {
      c = (c ^ b) &- rotated(b, 14)
      a = (a ^ c) &- rotated(c, 11)
      b = (b ^ a) &- rotated(a, 25)
      c = (c ^ b) &- rotated(b, 16)
      a = (a ^ c) &- rotated(c, 4)
      b = (b ^ a) &- rotated(a, 14)
      c = (c ^ b) &- rotated(b, 24)
    }
  }
}
