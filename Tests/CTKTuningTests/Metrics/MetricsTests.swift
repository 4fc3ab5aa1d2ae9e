import CTKModel
import CTKTestSupport
import CTKTuning
import Testing

/// Metrics against values by hand and against scikit-learn and SciPy.
@Suite(.tags(.numeric))
struct MetricsTests {
  private func value(_ metric: Metric, predicted: [Int], actual: [Int], classes: Int = 3)
    -> Double
  {
    let logits = predicted.map { id in (0..<classes).map { Float($0 == id ? 1 : 0) } }
    return Metrics.evaluate([metric], logits: logits, targets: .classes(actual))[0].value
  }

  private func value(_ metric: Metric, _ found: [Float], _ expected: [Float]) -> Double {
    Metrics.evaluate([metric], logits: found.map { [$0] }, targets: .scores(expected))[0].value
  }

  /// Counts by hand: TP 2, FP 1, FN 1, TN 1.
  @Test func twoClassesByHand() {
    let (predicted, actual) = ([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    let table: [(Metric, Double)] = [
      (.accuracy, 3.0 / 5), (.f1, 4.0 / 6), (.macroF1, (4.0 / 6 + 2.0 / 4) / 2),
      // (TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN))
      (.matthews, (2.0 * 1 - 1 * 1) / (3.0 * 3 * 2 * 2).squareRoot()),
    ]
    for (metric, expected) in table {
      let found = value(metric, predicted: predicted, actual: actual, classes: 2)
      #expect(abs(found - expected) < 1e-15, "\(metric): \(found), \(expected)")
    }
  }

  /// scikit-learn 1.9.1 (`accuracy_score`, `f1_score` of label 1 and macro,
  /// `matthews_corrcoef`) on 200 labels `next() % k` of this generator with seed k, each
  /// predicted as `next() % (k + 1)`, where k stands for the label itself.
  @Test(arguments: [
    (2, [0.665, 0.6564102564102564, 0.6647904940587868, 0.3296142595758697]),
    (3, [0.45, 0.48322147651006714, 0.44707891456187987, 0.17209077828301142]),
  ])
  func classesAgreeWithScikitLearn(_ classes: Int, _ expected: [Double]) {
    var random = SeededGenerator(seed: UInt64(classes))
    var (actual, predicted) = ([Int](), [Int]())
    for _ in 0..<200 {
      let label = Int(random.next() % UInt64(classes))
      let draw = Int(random.next() % UInt64(classes + 1))
      actual.append(label)
      predicted.append(draw == classes ? label : draw)
    }
    let found = [Metric.accuracy, .f1, .macroF1, .matthews].map {
      value($0, predicted: predicted, actual: actual, classes: classes)
    }
    // Sums of 200 terms in double precision.
    let closeness = Closeness.of(found, expected, absolute: 1e-14, relative: 0)
    #expect(closeness.isWithin, "\(closeness)")
  }

  /// SciPy 1.17.1 (`pearsonr`, `spearmanr`) on 150 pairs x = a, y = (a + b) / 2 in whole
  /// numbers, where a and b are `next() % modulus`; modulus 7 has many ties.
  @Test(
    arguments: [
      (5, 1_000_003, 0.727272285168991, 0.7236926085603804),
      (6, 7, 0.6754267417323039, 0.6629010832086296),
    ] as [(UInt64, UInt64, Double, Double)])
  func correlationsAgreeWithSciPy(
    _ seed: UInt64, _ modulus: UInt64, _ pearson: Double, _ spearman: Double
  ) {
    var random = SeededGenerator(seed: seed)
    var (left, right) = ([Float](), [Float]())
    for _ in 0..<150 {
      let (a, b) = (random.next() % modulus, random.next() % modulus)
      left.append(Float(a))
      right.append(Float((a + b) / 2))
    }
    let found = [value(.pearson, left, right), value(.spearman, left, right)]
    let closeness = Closeness.of(found, [pearson, spearman], absolute: 1e-13, relative: 0)
    #expect(closeness.isWithin, "\(closeness)")
  }

  /// For two classes R_K is the Matthews coefficient, which is Pearson's r of the ids.
  @Test(arguments: [1, 2, 3] as [UInt64])
  func matthewsIsPearsonOfTwoClasses(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let actual = (0..<97).map { _ in Int(random.next() % 2) }
    let predicted = actual.map { random.next() % 3 == 0 ? 1 - $0 : $0 }
    let matthews = value(.matthews, predicted: predicted, actual: actual, classes: 2)
    let pearson = value(.pearson, predicted.map(Float.init), actual.map(Float.init))
    #expect(abs(matthews - pearson) < 1e-14)
  }

  @Test func emptyRowsAndColumnsGiveZero() {
    #expect(value(.matthews, predicted: [1, 1, 1], actual: [0, 1, 0]) == 0)
    #expect(value(.matthews, predicted: [0, 1, 0], actual: [1, 1, 1]) == 0)
    #expect(value(.f1, predicted: [0, 0], actual: [0, 0]) == 0)
    #expect(value(.macroF1, predicted: [2, 2], actual: [2, 2]) == 1)
    #expect(Metric.allCases.prefix(4).allSatisfy { value($0, predicted: [], actual: []) == 0 })
  }

  /// The mean of ten times 0.1 is not 0.1, which must not count as variance.
  @Test(arguments: [Metric.pearson, .spearman])
  func undefinedCorrelationsAreZero(_ metric: Metric) {
    let rising = (0..<10).map(Float.init)
    #expect(value(metric, [Float](repeating: 0.1, count: 10), rising) == 0)
    #expect(value(metric, rising, [Float](repeating: 0.1, count: 10)) == 0)
    #expect(value(metric, [.nan] + rising.dropFirst(), rising) == 0)
    #expect(value(metric, [], []) == 0)
    #expect(abs(value(metric, rising, rising.map { 3 - 2 * $0 }) + 1) < 1e-15)
  }

  @Test func predictionsTakeTheLowestOfEqualLogits() {
    let rows: [[Float]] = [
      [1, 2, 2], [0, 0, 0], [-3, -1, -2], [.nan, 1, 2], [1, .nan, 0], [.nan, .nan],
    ]
    #expect(Metrics.predictions(rows) == [1, 0, 1, 2, 0, 0])
  }

  @Test func thePrimaryValueIsTheMean() {
    let results = Metrics.evaluate(
      [.accuracy, .f1], logits: [[0, 1], [0, 1]], targets: .classes([1, 0]))
    #expect(results.map(\.metric) == [.accuracy, .f1])
    #expect(abs(Metrics.primary(of: results) - (0.5 + 2.0 / 3) / 2) < 1e-15)
  }
}
