import CTKModel
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// Laws of Child-Tuning-F: Theorem 1 under gradient descent, and the size of Adam's steps.
@Suite(.tags(.numeric))
struct RandomMaskTests {
  /// Theorem 1: with per-example gradients of mean g and variance s^2, the update of a
  /// batch of B has mean -lr g and variance lr^2 s^2 / (p B) + (1 - p) lr^2 g^2 / p.
  @Test(arguments: [0.2, 0.3, 0.4, 1.0])
  func meanAndVarianceOfAnUpdate(_ keep: Double) throws {
    let (groups, each, steps) = ([0, 0.5, -1.5], 2000, 40)
    let (rate, deviation, examples) = (0.1, 0.8, 16.0)
    let bench = UpdateBench(count: groups.count * each)
    let sgd = SGD(plan: bench.plan, weightDecay: 0, compute: bench.compute)
    let mask = try #require(bench.randomMask(keep: keep))
    var (sums, squares) = ([0.0, 0, 0], [0.0, 0, 0])
    for step in 0..<steps {
      var random = CounterRandom(5, UInt64(step))
      for index in 0..<bench.plan.count {
        let noise = deviation / examples.squareRoot() * random.normal()
        bench.slopes[index] = Float(groups[index / each] + noise)
        bench.weights[index] = 0
      }
      mask.apply(to: bench.gradient, step: step, bench.compute)
      sgd.step(
        bench.parameters, gradient: bench.gradient, bench.update(step + 1, rate: Float(rate)))
      for index in 0..<bench.plan.count {
        sums[index / each] += Double(bench.weights[index])
        squares[index / each] += Double(bench.weights[index] * bench.weights[index])
      }
    }
    let count = Double(each * steps)
    for (group, slope) in groups.enumerated() {
      let mean = sums[group] / count
      let variance = squares[group] / count - mean * mean
      let expected =
        rate * rate * deviation * deviation / (keep * examples)
        + (1 - keep) * rate * rate * slope * slope / keep
      #expect(abs(mean + rate * slope) < 5 * (expected / count).squareRoot())
      // The variance of a sample variance is at most (kurtosis - 1) / n; at p = 0.2 the
      // kurtosis of a masked normal number is 15.
      #expect(abs(variance / expected - 1) < 5 * (14 / count).squareRoot())
    }
  }

  /// Adam's mean step is sqrt(p) of vanilla's, whatever the scale of the kept gradients.
  @Test(arguments: [
    (0.1, 0.315, 0.215), (0.2, 0.447, 0.204), (0.3, 0.547, 0.190), (0.4, 0.632, 0.176),
  ])
  func adamsMeanStepIsTheRootOfTheKeepRatio(
    _ keep: Double, _ expectedMean: Double, _ expectedDeviation: Double
  ) throws {
    let bench = UpdateBench(count: 200)
    var settings = AdamW.Settings()
    settings.weightDecay = 0
    let adam = AdamW(plan: bench.plan, settings: settings, compute: bench.compute)
    let mask = try #require(bench.randomMask(keep: keep))
    // The second moment forgets over a thousand steps.
    let (settling, steps) = (6000, 8000)
    var (sum, squares) = (0.0, 0.0)
    for step in 0..<steps {
      for index in 0..<bench.plan.count {
        bench.slopes[index] = 1
        bench.weights[index] = 0
      }
      mask.apply(to: bench.gradient, step: step, bench.compute)
      adam.step(bench.parameters, gradient: bench.gradient, bench.update(step + 1, rate: 1))
      if step < settling { continue }
      for weight in bench.weights {
        sum -= Double(weight)
        squares += Double(weight * weight)
      }
    }
    let count = Double((steps - settling) * bench.plan.count)
    let mean = sum / count
    // The table is given to three digits; the moments' noise adds a third of a per cent.
    #expect(abs(mean - expectedMean) < 0.004)
    #expect(abs(mean / keep.squareRoot() - 1) < 0.02)
    #expect(abs((squares / count - mean * mean).squareRoot() - expectedDeviation) < 0.004)
  }

  /// An entry that is masked at a step still moves by its first moment under Adam.
  @Test func maskedEntriesKeepMovingUnderAdam() throws {
    let bench = UpdateBench(count: 1000)
    let adam = AdamW(plan: bench.plan, settings: AdamW.Settings(), compute: bench.compute)
    let sgd = SGD(plan: bench.plan, weightDecay: 0, compute: bench.compute)
    let mask = try #require(bench.randomMask(keep: 0.5))
    func step(_ number: Int, _ optimizer: (OptimizerUpdate) -> Void) -> (masked: Int, still: Int) {
      for index in 0..<bench.plan.count {
        bench.slopes[index] = 1
        bench.weights[index] = 0
      }
      mask.apply(to: bench.gradient, step: number, bench.compute)
      optimizer(bench.update(number + 1, rate: 1))
      let masked = bench.slopes.indices.filter { bench.slopes[$0] == 0 }
      return (masked.count, masked.filter { bench.weights[$0] == 0 }.count)
    }
    let plain = step(0) { sgd.step(bench.parameters, gradient: bench.gradient, $0) }
    #expect(plain.masked > 400 && plain.still == plain.masked)
    _ = step(0) { adam.step(bench.parameters, gradient: bench.gradient, $0) }
    let second = step(1) { adam.step(bench.parameters, gradient: bench.gradient, $0) }
    // About half of what is masked now was kept before.
    #expect(second.masked > 400 && second.still < second.masked * 2 / 3)
  }

  /// Every step draws anew, and the draw is a function of seed and step.
  @Test func drawsAreFreshAndRepeatable() throws {
    let bench = UpdateBench(count: 20_000)
    func kept(_ step: Int) throws -> [Bool] {
      for index in 0..<bench.plan.count { bench.slopes[index] = 1 }
      try #require(bench.randomMask(keep: 0.3)).apply(
        to: bench.gradient, step: step, bench.compute)
      return bench.slopes.map { $0 != 0 }
    }
    let (first, second) = (try kept(0), try kept(1))
    #expect(try kept(0) == first)
    let both = zip(first, second).count { $0 && $1 }
    // Independent draws keep an entry twice with probability p^2.
    #expect(abs(Double(both) / 20_000 - 0.09) < 5 * (0.09 * 0.91 / 20_000).squareRoot())
  }
}
