package import CKernels
import Foundation

/// Random numbers that are a function of a seed and a position, so that a
/// resumed run draws what the uninterrupted run would have drawn.
package struct CounterRandom: Sendable {
  private var state: UInt64

  /// A stream for a path such as seed, step and site.
  // Not variadic: an array for each stream would be an allocation.
  package init(
    _ first: UInt64, _ second: UInt64? = nil, _ third: UInt64? = nil, _ fourth: UInt64? = nil
  ) {
    state = 0x6A09_E667_F3BC_C908
    enter(first)
    if let second { enter(second) }
    if let third { enter(third) }
    if let fourth { enter(fourth) }
  }

  /// Goes on to the stream for one more part of the path.
  private mutating func enter(_ part: UInt64) {
    state = Self.mixed(state ^ Self.mixed(part &+ 0x9E37_79B9_7F4A_7C15))
  }

  /// The next 64 bits (SplitMix64).
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mixed(state)
  }

  /// Uniform in 0 ..< 1 with 53 random bits.
  package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in 0 ..< bound without modulo bias worth speaking of.
  package mutating func below(_ bound: Int) -> Int {
    Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Standard normal, by the polar method.
  package mutating func normal() -> Double {
    while true {
      let x = 2 * unit() - 1
      let y = 2 * unit() - 1
      let square = x * x + y * y
      if square > 0 && square < 1 { return x * (-2 * log(square) / square).squareRoot() }
    }
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

extension ctk_dropout {
  /// A site that keeps everything.
  package static let off = ctk_dropout(key0: 0, key1: 0, threshold: 0, scale: 1)

  /// A site that drops with `probability`, keyed by a random stream.
  package init(probability: Float, random: CounterRandom) {
    var random = random
    let key = random.next()
    let threshold = probability > 0 ? UInt32(Double(probability) * 0x1p32) : 0
    self.init(
      key0: UInt32(truncatingIfNeeded: key), key1: UInt32(truncatingIfNeeded: key >> 32),
      threshold: threshold, scale: threshold == 0 ? 1 : 1 / (1 - probability))
  }

  /// A site that keeps a share of its entries, each divided by that share.
  ///
  /// - Parameter keep: above 0 and at most 1.
  package init(keep: Double, random: CounterRandom) {
    precondition(keep > 0 && keep <= 1)
    var random = random
    let key = random.next()
    self.init(
      key0: UInt32(truncatingIfNeeded: key), key1: UInt32(truncatingIfNeeded: key >> 32),
      threshold: UInt32((1 - keep) * 0x1p32), scale: Float(1 / keep))
  }
}

extension ctk_noise {
  /// Noise keyed by a random stream.
  package init(scale: Float, isNormal: Bool, random: CounterRandom) {
    var random = random
    let key = random.next()
    self.init(
      key0: UInt32(truncatingIfNeeded: key), key1: UInt32(truncatingIfNeeded: key >> 32),
      scale: scale, is_normal: isNormal ? 1 : 0)
  }
}
