package import CTKModel

/// The metrics of GLUE and of custom tasks.
package enum Metrics {
  /// Values of metrics that fit the kind of the targets.
  ///
  /// - Parameter logits: one row for each target; for scores a row is one number.
  package static func evaluate(
    _ metrics: [Metric], logits: [[Float]], targets: Targets
  ) -> [MetricResult] {
    precondition(logits.count == targets.count, "\(logits.count) rows, \(targets.count) targets")
    switch targets {
    case .classes(let ids):
      let table = ConfusionTable(predicted: predictions(logits), actual: ids)
      return metrics.map { MetricResult(metric: $0, value: value(of: $0, table)) }
    case .scores(let scores):
      let (found, expected) = (logits.map { Double($0[0]) }, scores.map(Double.init))
      return metrics.map { MetricResult(metric: $0, value: value(of: $0, found, expected)) }
    }
  }

  /// The single number a task is compared by: the F1 of entities where there is one, otherwise
  /// the mean of its metrics, as in GLUE's score.
  package static func primary(of results: [MetricResult]) -> Double {
    precondition(!results.isEmpty, "no metrics")
    if let entities = results.first(where: { $0.metric == .entityF1 }) { return entities.value }
    return results.map(\.value).reduce(0, +) / Double(results.count)
  }

  /// The class of the largest logit of each row; ties go to the lower id.
  package static func predictions(_ logits: [[Float]]) -> [Int] {
    logits.map { prediction($0[...]) }
  }

  /// The class of the largest logit; ties go to the lower id.
  package static func prediction(_ logits: ArraySlice<Float>) -> Int {
    var best = logits.startIndex
    for place in logits.indices
    where logits[place] > logits[best] || (logits[best].isNaN && !logits[place].isNaN) {
      best = place
    }
    return best - logits.startIndex
  }

  private static func value(of metric: Metric, _ table: ConfusionTable) -> Double {
    switch metric {
    case .accuracy: table.accuracy
    case .f1: table.f1(of: 1)
    case .macroF1: table.macroF1
    case .matthews: table.matthews
    case .pearson, .spearman: preconditionFailure("\(metric.rawValue) compares scores")
    case .entityF1, .entityPrecision, .entityRecall, .tokenAccuracy:
      preconditionFailure("\(metric.rawValue) compares words")
    }
  }

  private static func value(
    of metric: Metric, _ found: [Double], _ expected: [Double]
  ) -> Double {
    switch metric {
    case .pearson: Correlation.pearson(found, expected)
    case .spearman: Correlation.spearman(found, expected)
    default: preconditionFailure("\(metric.rawValue) compares classes")
    }
  }
}
