import CKernels
import CTKTensor
import CTKTestSupport
import Foundation
import Testing

/// The kernels of the fine-tuning methods against their formulas, in every variant.
///
/// Each is a handful of f32 operations on values near 1.
@Suite(.tags(.numeric))
struct MethodKernelTests {
  private struct Vectors {
    let weights: [Float]
    let anchor: [Float]
    let gradient: [Float]

    init(_ width: Int) {
      var random = SeededGenerator(seed: 40 + UInt64(width))
      weights = random.floats(width)
      anchor = random.floats(width)
      gradient = random.floats(width)
    }
  }

  private func expectClose(_ found: [Float], _ expected: [Double], _ variant: String) {
    let closeness = Closeness.of(found, expected, absolute: 1e-6, relative: 1e-6)
    #expect(closeness.isWithin, "\(variant): \(closeness)")
  }

  @Test(arguments: KernelTests.widths)
  func stepsAndPulls(_ width: Int) {
    let vectors = Vectors(width)
    let (w, a, g) = (
      vectors.weights.map(Double.init), vectors.anchor.map(Double.init),
      vectors.gradient.map(Double.init)
    )
    for kernels in Kernels.all {
      var weights = vectors.weights
      kernels.sgd(&weights, vectors.gradient, width, 0.25, 0.75)
      expectClose(weights, w.indices.map { w[$0] * 0.75 - 0.25 * g[$0] }, kernels.variant)
      weights = vectors.weights
      kernels.pull(&weights, vectors.anchor, 0.5, 0.75, width)
      expectClose(
        weights, w.indices.map { (w[$0] - 0.5 * (w[$0] - a[$0])) * 0.75 }, kernels.variant)
      var gradient = vectors.gradient
      kernels.add_pull(vectors.weights, vectors.anchor, 0.5, &gradient, width)
      expectClose(gradient, w.indices.map { g[$0] + 0.5 * (w[$0] - a[$0]) }, kernels.variant)
    }
  }

  /// Mixing is dropout of the distance to the anchor, entry for entry.
  @Test(arguments: KernelTests.widths)
  func mixtures(_ width: Int) {
    let vectors = Vectors(width)
    let site = ctk_dropout(keep: 0.4, random: CounterRandom(8))
    for kernels in Kernels.all {
      var (mixed, saved) = (vectors.weights, [Float](repeating: .nan, count: width))
      kernels.mix(&mixed, vectors.anchor, &saved, site, 5, width)
      var distance = zip(vectors.weights, vectors.anchor).map { $0 - $1 }
      kernels.dropout(distance, &distance, site, 5, width)
      #expect(mixed == zip(vectors.anchor, distance).map { $0 + $1 }, "\(kernels.variant)")
      #expect(saved == vectors.weights)
    }
  }

  /// The same numbers from every variant and from any part, with the moments they should have.
  @Test(arguments: [false, true])
  func noiseIsAFunctionOfTheEntry(_ isNormal: Bool) {
    let noise = ctk_noise(scale: 0.5, isNormal: isNormal, random: CounterRandom(3))
    let count = 50_000
    var reference: [Float] = []
    for kernels in Kernels.all {
      var values = [Float](repeating: 1, count: count)
      kernels.add_noise(&values, noise, 0, 1000)
      values.withUnsafeMutableBufferPointer {
        guard let base = $0.baseAddress else { return }
        kernels.add_noise(base + 1000, noise, 1000, count - 1000)
      }
      if reference.isEmpty { reference = values }
      #expect(values == reference, "\(kernels.variant)")
    }
    let drawn = reference.map { 2 * (Double($0) - 1) }
    let mean = drawn.reduce(0, +) / Double(count)
    let variance = drawn.map { $0 * $0 }.reduce(0, +) / Double(count)
    let expected = isNormal ? 1 : 1.0 / 3
    // Five standard errors of a mean and of a mean square.
    #expect(abs(mean) < 5 * (expected / Double(count)).squareRoot())
    #expect(abs(variance - expected) < 5 * (2 / Double(count)).squareRoot() * expected)
    if !isNormal { #expect(drawn.allSatisfy { abs($0) <= 1.000001 }) }
  }

  @Test func aSiteThatKeepsEverythingIsOff() {
    let site = ctk_dropout(keep: 1, random: CounterRandom(1))
    #expect(site.threshold == 0 && site.scale == 1)
    #expect(ctk_dropout(keep: 0.25, random: CounterRandom(1)).scale == 4)
  }
}
