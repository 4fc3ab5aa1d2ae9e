import CTKCore

/// A run of bytes of known count, stored or deflated (`formats/patch.md` section 6.4).
package enum Part {
  private static let stored: UInt8 = 0
  private static let deflated: UInt8 = 1
  /// Above any ratio deflate can reach, which is 1032.
  private static let largestRatio = 1040

  /// What is known of the bytes, which decides the strategies worth trying.
  package enum Content {
    /// Positions: may repeat from row to row.
    case index
    /// A byte plane of differences: repeats only by chance.
    case values
  }

  /// Appends the smallest form of `bytes`.
  package static func encode(
    _ bytes: UnsafeBufferPointer<UInt8>, content: Content, to output: inout [UInt8]
  ) {
    guard let body = smallestDeflated(bytes, content: content) else {
      return encodeStored(bytes, to: &output)
    }
    output.append(deflated)
    output.appendVarint(body.count)
    output.append(contentsOf: body)
  }

  /// Appends the bytes as they are.
  static func encodeStored(_ bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
    output.append(stored)
    output.append(contentsOf: bytes)
  }

  private static func smallestDeflated(
    _ bytes: UnsafeBufferPointer<UInt8>, content: Content
  ) -> [UInt8]? {
    let entropy = orderZeroEntropy(bytes)
    if bytes.isEmpty || entropy > 7.98 { return nil }
    var best: [UInt8]?
    for strategy in DeflateStrategy.allCases {
      if strategy == .matches && content == .values && entropy > 7 { continue }
      let limit = best?.count ?? bytes.count
      best = Deflate.compress(bytes, strategy: strategy, below: limit) ?? best
    }
    return best
  }

  /// Bits a byte, as if the bytes were independent.
  private static func orderZeroEntropy(_ bytes: UnsafeBufferPointer<UInt8>) -> Double {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { counts in
      counts.initialize(repeating: 0)
      for byte in bytes { counts[Int(byte)] += 1 }
      return Entropy.bits(counts: UnsafeBufferPointer(counts)) / Double(max(bytes.count, 1))
    }
  }

  /// Whether a part of `count` bytes can come from the bytes that are left.
  static func isPlausible(_ count: Int, from remaining: Int) -> Bool {
    count / largestRatio <= remaining
  }

  /// Reads a part of `count` bytes.
  package static func decode(
    _ cursor: inout ByteCursor, count: Int
  ) throws(StreamFault) -> [UInt8] {
    guard isPlausible(count, from: cursor.remaining) else {
      throw .damaged("\(cursor.remaining) bytes cannot hold a part of \(count)")
    }
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try span.withUnsafeMutableBufferPointer { (buffer) throws(StreamFault) in
      try decode(&cursor, into: buffer)
    }
    return bytes
  }

  /// Reads a part that fills `output`.
  static func decode(
    _ cursor: inout ByteCursor, into output: UnsafeMutableBufferPointer<UInt8>
  ) throws(StreamFault) {
    switch try cursor.byte() {
    case stored:
      UnsafeMutableRawBufferPointer(output).copyBytes(from: try cursor.take(output.count))
    case deflated:
      let count = try cursor.varint()
      try Deflate.inflate(try cursor.take(count), into: output)
    case let form:
      throw .unsupported("part form \(form)")
    }
  }

  /// Skips a part of `count` bytes without inflating it.
  static func skip(_ cursor: inout ByteCursor, count: Int) throws(StreamFault) {
    switch try cursor.byte() {
    case stored: _ = try cursor.take(count)
    case deflated: _ = try cursor.take(try cursor.varint())
    case let form: throw .unsupported("part form \(form)")
    }
  }
}
