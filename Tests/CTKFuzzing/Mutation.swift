/// Random edits of a byte string.
public struct Mutation: Sendable {
  /// Pieces that mean something in the format, such as its instructions.
  public var tokens: [[UInt8]]

  private static let numbers: [UInt64] = [
    0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF, .max, .max - 1, 1 << 40,
  ]

  public init(tokens: [[UInt8]] = []) { self.tokens = tokens }

  /// Applies one to four edits, all inside the range.
  public func apply(
    to bytes: inout [UInt8], in range: Range<Int>? = nil,
    using generator: inout some RandomNumberGenerator
  ) {
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let limits = (range ?? bytes.indices).clamped(to: bytes.indices)
      if limits.isEmpty { return }
      edit(&bytes, at: Int.random(in: limits, using: &generator), limits, using: &generator)
    }
  }

  private func edit(
    _ bytes: inout [UInt8], at position: Int, _ limits: Range<Int>,
    using generator: inout some RandomNumberGenerator
  ) {
    switch Int.random(in: 0..<9, using: &generator) {
    case 0, 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 3: write(Self.numbers.randomElement(using: &generator) ?? 0, to: &bytes, at: position)
    case 4:
      let count = min(Int.random(in: 1...16, using: &generator), limits.upperBound - position)
      bytes.removeSubrange(position..<position + count)
    case 5:
      let count = min(Int.random(in: 1...32, using: &generator), limits.upperBound - position)
      bytes.insert(contentsOf: bytes[position..<position + count], at: position)
    case 6:
      let other = Int.random(in: limits, using: &generator)
      bytes.swapAt(position, other)
    case 7:
      let token = tokens.randomElement(using: &generator) ?? [0xFF]
      bytes.insert(contentsOf: token, at: position)
    default:
      if Int.random(in: 0..<8, using: &generator) == 0 { bytes.removeSubrange(position...) }
    }
  }

  private func write(_ number: UInt64, to bytes: inout [UInt8], at position: Int) {
    for index in 0..<min(8, bytes.count - position) where index == 0 || number >> (8 * index) != 0 {
      bytes[position + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
    }
  }
}
