/// How the losses of classes are weighed and softened.
///
/// As `torch.nn.CrossEntropyLoss` does: the loss of a row with class y is
/// `(1 - s) w_y (-log p_y) + s / C sum_c w_c (-log p_c)`, and a mean divides by the sum of w_y.
package struct LossRule: Sendable, Equatable {
  /// One for each class; nil weighs all alike.
  package var classWeights: [Float]?
  /// Share s of the label that is spread over all C classes.
  package var smoothing = 0.0

  package init() {}

  /// What the sum of the losses of some rows is divided by for their mean.
  package func mass(of targets: Targets) -> Double {
    guard case .classes(let ids) = targets, let classWeights else {
      return Double(targets.labelledCount)
    }
    return ids.reduce(0) { $1 < 0 ? $0 : $0 + Double(classWeights[$1]) }
  }

  func weight(of id: Int) -> Double { classWeights.map { Double($0[id]) } ?? 1 }

  /// Weights that make every class count alike: n / (C n_c), as scikit-learn's `balanced`.
  ///
  /// A class without an example has weight 0.
  package static func balanced(_ ids: [Int], classCount: Int) -> [Float] {
    var counts = [Int](repeating: 0, count: classCount)
    for id in ids where id >= 0 { counts[id] += 1 }
    let total = counts.reduce(0, +)
    return counts.map { $0 == 0 ? 0 : Float(Double(total) / Double(classCount * $0)) }
  }
}
