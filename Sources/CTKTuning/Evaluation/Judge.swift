/// Judges predictions for a task's data.
package struct Judge: Sendable {
  package let labels: LabelSpace
  package let metrics: [Metric]

  package init(labels: LabelSpace, metrics: [Metric]) {
    self.labels = labels
    self.metrics = metrics
  }

  /// - Parameter logits: of each example, as `Evaluator` gives them.
  /// - Parameter set: name of a further evaluation set.
  package func results(
    logits: [[Float]], of data: TokenizedDataset, set: String? = nil
  ) -> [MetricResult] {
    let results =
      switch labels {
      case .classes, .score:
        Metrics.evaluate(metrics, logits: logits, targets: data.targets(0..<data.count))
      case .tags(let names):
        TagMetrics(names: names).evaluate(
          metrics, predicted: logits.indices.map { tags(logits[$0], of: data, example: $0) },
          actual: data.tags)
      }
    return results.map { MetricResult(metric: $0.metric, value: $0.value, set: set) }
  }

  /// The class of each word of an example.
  package func tags(_ logits: [Float], of data: TokenizedDataset, example: Int) -> [Int] {
    let (width, absent) = (labels.count, TagMetrics(names: labels.names).absent)
    return data.firstPieces[example].map { piece in
      piece.map { Metrics.prediction(logits[$0 * width..<($0 + 1) * width]) } ?? absent
    }
  }
}
