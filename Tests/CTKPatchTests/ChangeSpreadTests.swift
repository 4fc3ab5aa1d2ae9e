import CTKPatch
import CTKTestSupport
import Foundation
import Testing

@Suite("One step for rounded changes", .tags(.format))
struct ChangeSpreadTests {
  /// A tensor of zeros and one of changes of about `scale` in each row.
  private func sample(scales: [Float], width: Int = 400, seed: UInt64 = 3) -> BlockSample {
    var random = SeededGenerator(seed: seed)
    let changes = scales.flatMap { scale in
      // Sums of uniform numbers are close to Gaussian ones.
      (0..<width).map { _ in scale * random.floats(8).reduce(0, +) }
    }
    return BlockSample(
      width: width, base: changes.map { _ in 0 }, tuned: changes.map(\.bitPattern))
  }

  private func spread(_ sample: BlockSample) -> ChangeSpread {
    sample.base.withUnsafeBytes { base in
      sample.tuned.withUnsafeBytes {
        ChangeSpread(base: base, tuned: $0, rowUnits: sample.width)
      }
    }
  }

  private func value(_ bits: UInt32) -> Double { Double(Float(bitPattern: bits)) }

  /// Entropy of the numbers of steps that changes from zero became.
  private func entropy(_ target: [UInt32], step: Double) -> Double {
    var counts: [Int: Double] = [:]
    for bits in target { counts[Int((value(bits) / step).rounded()), default: 0] += 1 }
    let total = Double(target.count)
    return counts.values.reduce(0) { $0 - $1 / total * log2($1 / total) }
  }

  @Test(
    "changes take at most the bits that were asked for, and hardly fewer", arguments: [3, 4, 6])
  func bits(bits: Int) {
    let sample = sample(scales: Array(repeating: 0.01, count: 50))
    let step = spread(sample).step(bits: bits)
    let rounded = RoundedSample(.int4, sample, step: step)
    let spent = entropy(rounded.sample.tuned, step: step)
    #expect(spent <= Double(bits) && spent > Double(bits) - 0.4, "\(spent) bits")
    #expect(rounded.rounding.error.worst <= step)
  }

  @Test("no change is cut, however large")
  func unclipped() {
    var tuned = sample(scales: Array(repeating: 0.01, count: 50)).tuned
    tuned[777] = Float(50).bitPattern
    let sample = BlockSample(width: 400, base: tuned.map { _ in 0 }, tuned: tuned)
    let step = spread(sample).step(bits: 4)
    let rounded = RoundedSample(.int4, sample, step: step)
    #expect(abs(value(rounded.sample.tuned[777]) - 50) <= step)
    #expect(rounded.rounding.error.worst <= step)
  }

  @Test("rows have one step, but those of far smaller changes their own")
  func rows() {
    let sample = sample(scales: [0.01, 0.02, 0.01, 0.005, 1e-5])
    let step = spread(sample).step(bits: 4)
    let rounded = RoundedSample(.int4, sample, step: step)
    for (row, isCommon) in [true, true, true, true, false].enumerated() {
      let units = row * 400..<(row + 1) * 400
      let errors = units.map {
        abs(value(rounded.sample.tuned[$0]) - value(sample.tuned[$0]))
      }
      let worst = errors.max() ?? 0
      #expect(isCommon ? worst > 0.9 * step : worst < 1e-5)
      #expect(worst <= step)
    }
  }

  @Test("the step is that of all tensors, in any grouping")
  func tensors() {
    let (first, second) = (sample(scales: [0.01, 0.03]), sample(scales: [0.02], seed: 4))
    var sum = ChangeSpread()
    for part in [first, second] { sum.add(spread(part)) }
    let whole = BlockSample(
      width: 400, base: first.base + second.base, tuned: first.tuned + second.tuned)
    #expect(sum.step(bits: 4) == spread(whole).step(bits: 4))
    #expect(sum.step(bits: 4) == 16 * sum.step(bits: 8))
    let unchanged = BlockSample(width: 400, base: first.base, tuned: first.base)
    sum.add(spread(unchanged))
    #expect(sum.step(bits: 4) == spread(whole).step(bits: 4))
  }
}
