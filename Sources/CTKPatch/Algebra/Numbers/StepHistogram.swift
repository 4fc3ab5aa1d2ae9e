public import CTKCore

/// How far units moved, counted in representable numbers of their dtype (ULPs).
public struct StepHistogram: Sendable, Equatable {
  /// Units that moved by 2^b up to 2^(b+1) - 1 steps, for b from 0.
  public private(set) var counts = [Int](repeating: 0, count: 64)
  public private(set) var count = 0
  public private(set) var largest: UInt64 = 0
  private var total = 0.0

  public init() {}

  /// Steps moved on average; 0 when nothing moved.
  public var mean: Double { count == 0 ? 0 : total / Double(count) }

  /// Bits to code the moves when only the sizes of their steps, by powers of two, are
  /// known to differ in frequency: the entropy of `counts`, the sign and the bits below.
  ///
  /// A codec that knows more, such as the base or the row, can stay below.
  public var boundBits: Double {
    var bits = counts.withUnsafeBufferPointer { Entropy.bits(counts: $0) } + Double(count)
    for (bin, count) in counts.enumerated() { bits += Double(bin * count) }
    return bits
  }

  /// Adds a unit that moved, by at least one step.
  mutating func add(_ steps: UInt64) {
    counts[63 - steps.leadingZeroBitCount] += 1
    count += 1
    largest = max(largest, steps)
    total += Double(steps)
  }

  mutating func add(_ other: StepHistogram) {
    for bin in counts.indices { counts[bin] += other.counts[bin] }
    count += other.count
    largest = max(largest, other.largest)
    total += other.total
  }

  /// Counts up to the last one that is not 0; entry b counts 2^b up to 2^(b+1) - 1 steps.
  public var json: JSONValue {
    let end = counts.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    return .array(counts[..<end].map { .integer($0) })
  }

  /// `largest` as JSON.
  public var largestJSON: JSONValue {
    Int(exactly: largest).map { .integer($0) } ?? .unsigned(largest)
  }
}

extension UnitWord {
  /// The size of a difference modulo 2^w, taken as a signed number.
  var stepCount: UInt64 {
    UInt64(self >> (Self.bitWidth - 1) == 0 ? self : 0 &- self)
  }
}
