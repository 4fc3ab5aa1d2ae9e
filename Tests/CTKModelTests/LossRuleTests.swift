import CTKModel
import CTKTensor
import CTKTestSupport
import Testing

/// Class weights and label smoothing against `torch.nn.functional.cross_entropy` (torch 2.13.0).
@Suite(.tags(.numeric))
struct LossRuleTests {
  struct Case: Sendable {
    let weights: [Float]?
    let smoothing: Double
    let loss: Double
    let gradient: [Double]
  }

  private static let cases = [
    Case(
      weights: nil, smoothing: 0.1, loss: 0.5733020810813131,
      gradient: [
        0.047828949591, -0.000868864336, -0.046960085256, -0.071630997394, 0.057501090221,
        0.014129907173, 0.008775194599, -0.164170082618, 0.155394888018,
      ]),
    Case(
      weights: [0.5, 2, 1.25], smoothing: 0, loss: 0.5584898893468047,
      gradient: [
        0.058940060702, 0.010242246775, -0.069182307478, -0.037541287847, 0.027444880533,
        0.010096407314, 0.031818089136, -0.298227687744, 0.266409598607,
      ]),
    Case(
      weights: [0.5, 2, 1.25], smoothing: 0.2, loss: 0.7772856610270396,
      gradient: [
        0.050051171814, -0.02531330878, -0.024737863034, 0.008974103577, 0.000122789137,
        -0.009096892715, 0.020542843562, -0.244749500052, 0.224206656489,
      ]),
  ]

  /// The fourth row has no label.
  @Test(arguments: cases)
  func asTorchHasThem(_ one: Case) {
    let values: [Float] = [0.5, -1.25, 2, 1.5, 0.25, -0.75, -2, 0, 0.125, 3, 2, 1]
    let storage = FloatBuffer(count: values.count)
    for (index, value) in values.enumerated() { storage.base[index] = value }
    let targets = Targets.classes([2, 0, 1, Targets.unlabelled])
    var rule = LossRule()
    rule.classWeights = one.weights
    rule.smoothing = one.smoothing
    let mass = rule.mass(of: targets)
    let sum = Loss.gradient(
      of: Matrix(storage.base, rows: 4, columns: 3), targets: targets, weight: Float(1 / mass),
      rule: rule)
    let mean = sum / mass
    #expect(abs(mean - one.loss) < 1e-12)
    let closeness = Closeness.of(
      storage.array(), one.gradient + [0, 0, 0], absolute: 1e-7, relative: 1e-6)
    #expect(closeness.isWithin, "\(closeness)")
  }

  @Test func balancedWeightsMakeClassesEqual() {
    let ids = [0, 0, 0, 1, Targets.unlabelled, 2, 2, 0]
    let weights = LossRule.balanced(ids, classCount: 4)
    #expect(weights == [0.4375, 1.75, 0.875, 0])
    for (id, count) in [(0, 4), (1, 1), (2, 2)] {
      let share = weights[id] * Float(count)
      #expect(abs(share - 1.75) < 1e-6)
    }
  }
}
