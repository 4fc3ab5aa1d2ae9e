/// Token ids by the UTF-8 bytes of the token, one byte a step.
///
/// Steps are kept in an open-addressing table. Its multiplier is drawn at random, so that no
/// file can be made whose steps all collide; results do not depend on it.
struct ByteTrie: Sendable {
  /// A place in the trie; the root stands for the empty text.
  typealias Node = UInt64
  static let root: Node = 0

  /// Parent (28 bits), byte (8 bits) and child (28 bits) of each step; 0 where free.
  private let steps: FrozenTable<UInt64>
  /// Token id that ends at each node, or -1.
  private let ids: FrozenTable<Int32>
  private let hash: StepHash

  init(_ builder: ByteTrieBuilder) {
    steps = FrozenTable(builder.steps)
    ids = FrozenTable(builder.ids)
    hash = builder.hash
  }

  /// The node one byte further; nil where no token goes on.
  @inline(__always)
  func child(of node: Node, _ byte: UInt8) -> Node? {
    let key = node << 8 | UInt64(byte)
    var slot = hash.slot(of: key)
    while true {
      let step = steps.base[slot]
      if step >> 28 == key && step != 0 { return step & StepHash.nodeMask }
      if step == 0 { return nil }
      slot = hash.slot(after: slot)
    }
  }

  /// The node that a whole text leads to.
  func node(of text: some Sequence<UInt8>, from start: Node = Self.root) -> Node? {
    var node = start
    for byte in text {
      guard let next = child(of: node, byte) else { return nil }
      node = next
    }
    return node
  }

  /// The token that is exactly `text`.
  func id(of text: some Sequence<UInt8>) -> Int32? {
    guard let node = node(of: text), id(at: node) >= 0 else { return nil }
    return id(at: node)
  }

  /// The token that ends at a node, or -1.
  @inline(__always)
  func id(at node: Node) -> Int32 { ids.base[Int(node)] }

  /// The longest non-empty token at `start` of `text`, walking on from `node`.
  @inline(__always)
  func longestMatch(
    in text: UnsafeBufferPointer<UInt8>, from start: Int, at node: Node = Self.root
  ) -> (id: Int32, end: Int)? {
    var node = node
    var match: (id: Int32, end: Int)?
    var position = start
    while position < text.count, let next = child(of: node, text[position]) {
      node = next
      position += 1
      let id = ids.base[Int(node)]
      if id >= 0 { match = (id, position) }
    }
    return match
  }
}

/// Where in the table the search for a step begins.
struct StepHash: Sendable {
  static let nodeMask: UInt64 = 1 << 28 - 1

  private let multiplier = UInt64.random(in: .min ... .max) | 1
  private let shift: UInt64
  private let slotMask: Int

  init(slotCount: Int) {
    precondition(slotCount > 1 && slotCount & (slotCount - 1) == 0)
    shift = UInt64(64 - slotCount.trailingZeroBitCount)
    slotMask = slotCount - 1
  }

  @inline(__always)
  func slot(of key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* multiplier) &>> shift) }

  @inline(__always)
  func slot(after slot: Int) -> Int { (slot + 1) & slotMask }
}

/// Builder of a `ByteTrie`.
struct ByteTrieBuilder {
  private(set) var ids: [Int32] = [-1]
  private(set) var steps = [UInt64](repeating: 0, count: 1024)
  private(set) var hash = StepHash(slotCount: 1024)

  /// Whether `byteCount` more bytes certainly fit.
  func hasRoom(for byteCount: Int) -> Bool { ids.count + byteCount < Int(StepHash.nodeMask) }

  /// Adds a token.
  ///
  /// - Returns: the id that the same bytes had before, if any; it is kept.
  mutating func insert(_ token: some Sequence<UInt8>, id: Int32) -> Int32? {
    var node: UInt64 = 0
    for byte in token { node = child(of: node, byte) }
    let present = ids[Int(node)]
    if present >= 0 { return present }
    ids[Int(node)] = id
    return nil
  }

  private mutating func child(of node: UInt64, _ byte: UInt8) -> UInt64 {
    let key = node << 8 | UInt64(byte)
    var slot = hash.slot(of: key)
    while steps[slot] != 0 {
      if steps[slot] >> 28 == key { return steps[slot] & StepHash.nodeMask }
      slot = hash.slot(after: slot)
    }
    let child = UInt64(ids.count)
    ids.append(-1)
    steps[slot] = key << 28 | child
    if 2 * ids.count > steps.count { grow() }
    return child
  }

  private mutating func grow() {
    let present = steps
    steps = [UInt64](repeating: 0, count: 2 * present.count)
    hash = StepHash(slotCount: steps.count)
    for step in present where step != 0 {
      var slot = hash.slot(of: step >> 28)
      while steps[slot] != 0 { slot = hash.slot(after: slot) }
      steps[slot] = step
    }
  }
}
