/// Measures of labelled words.
package struct TagMetrics {
  private let names: [String]
  private let scheme: TagScheme?

  /// - Parameter names: labels by id.
  package init(names: [String]) {
    self.names = names
    scheme = TagScheme(names)
  }

  /// The metrics that such labels are judged by.
  package var metrics: [Metric] {
    scheme == nil
      ? [.tokenAccuracy, .macroF1]
      : [.entityF1, .entityPrecision, .entityRecall, .tokenAccuracy]
  }

  /// The class of a word that has no prediction, because its text was cut before it.
  package var absent: Int { scheme?.outside ?? 0 }

  /// - Parameters: class of each word of each sentence.
  package func evaluate(
    _ metrics: [Metric], predicted: [[Int]], actual: [[Int]]
  ) -> [MetricResult] {
    precondition(predicted.map(\.count) == actual.map(\.count))
    let words = ConfusionTable(
      predicted: predicted.flatMap { $0 }, actual: actual.flatMap { $0 })
    let entities = scheme.map { EntityCounts($0, predicted: predicted, actual: actual) }
    return metrics.map { metric in
      let value =
        switch metric {
        case .tokenAccuracy: words.accuracy
        case .macroF1: words.macroF1
        case .entityF1: entities?.f1
        case .entityPrecision: entities?.precision
        case .entityRecall: entities?.recall
        case .accuracy, .f1, .matthews, .pearson, .spearman: nil as Double?
        }
      guard let value else {
        preconditionFailure("\(metric.rawValue) does not judge labels \(names)")
      }
      return MetricResult(metric: metric, value: value)
    }
  }
}

/// How many entities were predicted, are there, and are both.
private struct EntityCounts {
  private var predicted = 0
  private var actual = 0
  private var common = 0

  init(_ scheme: TagScheme, predicted: [[Int]], actual: [[Int]]) {
    for (found, expected) in zip(predicted, actual) {
      let (found, expected) = (scheme.entities(found), scheme.entities(expected))
      self.predicted += found.count
      self.actual += expected.count
      common += found.intersection(expected).count
    }
  }

  var precision: Double { ratio(common, predicted) }
  var recall: Double { ratio(common, actual) }
  var f1: Double { ratio(2 * common, predicted + actual) }

  private func ratio(_ part: Int, _ whole: Int) -> Double {
    whole == 0 ? 0 : Double(part) / Double(whole)
  }
}
