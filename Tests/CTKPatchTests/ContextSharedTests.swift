import CTKPatch
import CTKTestSupport
import Foundation
import Testing

/// Pairs of integers of a grid of 2^lowest, all of them floats.
private struct GridPairs {
  static let width = 30
  let lowest: Int
  private(set) var base: [UInt32] = []
  private(set) var tuned: [UInt32] = []

  init(lowest: Int) { self.lowest = lowest }

  var count: Int { base.count }

  /// The float nearest to an integer of the grid.
  private func bits(_ number: Double) -> UInt32 {
    Float(scalbn(number, lowest)).bitPattern
  }

  mutating func append(_ before: Double, _ after: Double) {
    base.append(bits(before))
    tuned.append(bits(after))
  }

  mutating func append(bits before: UInt32, _ after: UInt32) {
    base.append(before)
    tuned.append(after)
  }

  var sample: BlockSample { BlockSample(width: Self.width, base: base, tuned: tuned) }
}

@Suite("Last bits of both sides that are told once", .tags(.format))
struct ContextSharedTests {
  private static let form: UInt8 = 6
  private static let rows = 40
  /// The head of a block whose positions are a mask's: forms, lanes, width, coded units.
  private static let cellBitsOffset = 5

  /// An integer that a float has, most often of 24 bits and some octaves more; or beside a
  /// power of two, or a small one.
  private func integer(octaves: Int, _ random: inout SeededGenerator) -> Double {
    let sign: Double = random.next() % 2 == 0 ? 1 : -1
    let most = UInt64(min(max(octaves, 0), 20))
    let octave = Int(most / 2 + random.next() % (most / 2 + 1))
    switch random.next() % 16 {
    case 0:
      let power = Float(scalbn(1, 23 + octave))
      return sign * Double([power, power.nextUp, power.nextDown][Int(random.next() % 3)])
    case 1: return sign * Double(random.next() >> (40 + random.next() % 24))
    default: return sign * scalbn(Double(random.next() >> 40), octave)
    }
  }

  /// Numbers of rows or columns whose products, of one octave, are changes.
  private func factors(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
    random.floats(count).map { Double($0) * 0.38 + ($0 < 0 ? -1.01 : 1.01) }
  }

  /// Pairs whose changes are products with noise of about 2^spread, or a few of them others.
  private func pairs(lowest: Int, spread: Int, hasOthers: Bool, seed: UInt64) -> GridPairs {
    let specials: [UInt32] = [0x8000_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0001, 0xFFC0_1234, 0]
    var random = SeededGenerator(seed: seed)
    let (row, column) = (factors(Self.rows, &random), factors(GridPairs.width, &random))
    let noise = Double(1 + seed % 3)
    var pairs = GridPairs(lowest: lowest)
    while pairs.count < Self.rows * GridPairs.width {
      let (i, j) = (pairs.count / GridPairs.width, pairs.count % GridPairs.width)
      let before = integer(octaves: spread - 8, &random)
      let change = scalbn(256 * row[i] * column[j] + noise * Double(random.signedUnit()), spread)
      switch hasOthers ? random.next() % 64 : 3 {
      case 0: pairs.append(before, integer(octaves: spread - 8, &random))
      case 1: pairs.append(scalbn(change, -16).rounded(), before)
      case 2:
        let special = specials[Int(random.next() % UInt64(specials.count))]
        pairs.append(bits: special, specials[Int(random.next() % UInt64(specials.count))])
      default: pairs.append(before, (before + change).rounded())
      }
    }
    return pairs
  }

  @Test(
    "numbers of all kinds return from either side, whatever the cells",
    arguments: [-149, -60, 0])
  func exact(lowest: Int) throws {
    var cellBits = Set<UInt8>()
    for seed in 0..<176 {
      let sample = pairs(
        lowest: lowest, spread: seed % 44, hasOthers: seed >= 132, seed: UInt64(seed)
      ).sample
      for isMasked in [false, true] {
        let bytes = sample.encoded(isMasked: isMasked)
        let mask = isMasked ? sample.positions : nil
        for isTarget in [false, true] {
          let block = try sample.decoded(bytes, isTarget: isTarget, mask: mask)
          #expect(sample.isExact(block), "seed \(seed)")
        }
        if isMasked, bytes[0] >> 3 == Self.form { cellBits.insert(bytes[Self.cellBitsOffset]) }
      }
    }
    // Next to the smallest floats no factors are found, and other forms are smaller.
    if lowest > -149 { #expect(cellBits.isSuperset(of: 0...30), "\(cellBits.sorted())") }
  }

  /// Pairs of a large and a small number, 9 octaves apart; some rows begin with the large.
  private func steps(isLargeFirst: (Int) -> Bool) -> BlockSample {
    var random = SeededGenerator(seed: 12)
    let (row, column) = (factors(Self.rows, &random), factors(GridPairs.width, &random))
    var pairs = GridPairs(lowest: -60)
    for unit in 0..<Self.rows * GridPairs.width {
      let (i, j) = (unit / GridPairs.width, unit % GridPairs.width)
      let sign = random.signedUnit() < 0 ? -1.0 : 1.0
      let small = sign * Double(random.next() >> 41 | 1 << 23)
      let noise = scalbn(Double(random.signedUnit()), 18)
      let large = (small + scalbn(row[i] * column[j], 32) + noise).rounded()
      if isLargeFirst(i) { pairs.append(large, small) } else { pairs.append(small, large) }
    }
    return pairs.sample
  }

  @Test("bits that one side lacks pay for those that the other lacks")
  func sharing() throws {
    let oneWay = steps { _ in true }.encoded()
    let bothWays = steps { $0 % 2 == 0 }.encoded()
    #expect(oneWay[0] >> 3 == Self.form && bothWays[0] >> 3 == Self.form)
    let saved = 8 * Double(oneWay.count - bothWays.count) / Double(Self.rows * GridPairs.width)
    #expect(saved > 4.4 && saved < 4.6, "\(saved) bits a change")
  }

  @Test("bits beyond the last bits of both sides are refused")
  func padding() throws {
    // Applying lacks none of them, so that all have to be 0.
    let sample = steps { _ in false }
    let bytes = sample.encoded()
    for position in bytes.indices.dropFirst(bytes.count - 1000) {
      var damaged = bytes
      damaged[position] ^= 1
      let block = try? sample.decoded(damaged, isTarget: false)
      #expect(!(block.map(sample.isExact) ?? false), "byte \(position)")
    }
  }
}
