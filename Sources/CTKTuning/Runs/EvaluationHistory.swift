import CTKCore

/// The evaluations of a run so far: which was best, and whether to go on.
struct EvaluationHistory {
  private let metric: String?
  private let patience: Int?
  /// Step of the best evaluation; nil before the first.
  private(set) var bestStep: Int?
  private(set) var bestResults: [MetricResult] = []
  private(set) var lastResults: [MetricResult] = []
  private var bestValue = -Double.infinity
  private var evaluationsWithoutGain = 0

  /// - Parameter events: of the log that a resumed run continues.
  init(_ options: LoopOptions, events: [JSONValue]) {
    metric = options.metric
    patience = options.patience
    for event in events where event["event"] == "evaluation" {
      let results = (event["metrics"]?.objectValue?.members ?? []).compactMap { name, value in
        value.doubleValue.flatMap { MetricResult(name: name, value: $0) }
      }
      if let step = event["step"]?.intValue, !results.isEmpty { _ = add(results, step: step) }
    }
  }

  /// - Returns: whether the evaluation is the best so far.
  mutating func add(_ results: [MetricResult], step: Int) -> Bool {
    let value = value(of: results)
    lastResults = results
    let isBest = bestStep == nil || value > bestValue
    if isBest {
      (bestStep, bestValue, bestResults) = (step, value, results)
      evaluationsWithoutGain = 0
    } else {
      evaluationsWithoutGain += 1
    }
    return isBest
  }

  /// Whether so many evaluations in a row have brought no gain that the run ends.
  var isExhausted: Bool { patience.map { evaluationsWithoutGain >= $0 } ?? false }

  /// The number that evaluations are compared by; one that is not finite loses.
  private func value(of results: [MetricResult]) -> Double {
    let value =
      metric.flatMap { name in results.first { $0.name == name }?.value }
      ?? Metrics.primary(of: results)
    return value.isFinite ? value : -.infinity
  }
}
