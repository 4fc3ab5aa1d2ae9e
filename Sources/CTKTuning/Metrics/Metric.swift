/// A measure of predictions against labels.
package enum Metric: String, Sendable, CaseIterable {
  case accuracy
  /// F1 of class 1.
  case f1
  /// Mean F1 of the classes that occur.
  case macroF1 = "macro_f1"
  case matthews
  case pearson
  case spearman
}

/// The value of one metric.
package struct MetricResult: Sendable, Equatable {
  package let metric: Metric
  package let value: Double

  package init(metric: Metric, value: Double) {
    self.metric = metric
    self.value = value
  }
}
