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
  /// F1 of whole entities, over all types together.
  case entityF1 = "entity_f1"
  case entityPrecision = "entity_precision"
  case entityRecall = "entity_recall"
  /// Share of words with the right label.
  case tokenAccuracy = "token_accuracy"
}

/// The value of one metric.
package struct MetricResult: Sendable, Equatable {
  package let metric: Metric
  package let value: Double
  /// Which of a task's evaluation sets was judged, such as "mm"; nil for its main one.
  package let set: String?

  package init(metric: Metric, value: Double, set: String? = nil) {
    self.metric = metric
    self.value = value
    self.set = set
  }

  /// `accuracy`, or `accuracy_mm` of a further evaluation set.
  package var name: String { self.set.map { "\(metric.rawValue)_\($0)" } ?? metric.rawValue }

  /// - Parameter name: as `name` gives it.
  package init?(name: String, value: Double) {
    if let metric = Metric(rawValue: name) {
      self.init(metric: metric, value: value)
      return
    }
    guard let bar = name.lastIndex(of: "_"), let metric = Metric(rawValue: String(name[..<bar]))
    else { return nil }
    self.init(metric: metric, value: value, set: String(name[name.index(after: bar)...]))
  }
}
