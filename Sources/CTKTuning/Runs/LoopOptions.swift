package import CTKCore
package import CTKModel

/// Which weights a run ends with.
package enum KeptWeights: String, Sendable, CaseIterable {
  case last
  /// Those of the evaluation with the highest metric; of equal ones the first.
  case best
}

/// How the classes of a run's loss are weighed.
package enum ClassWeights: Sendable, Equatable {
  /// Every class counts alike.
  case balanced
  /// In the order of the ids.
  case given([Double])

  /// - Parameter text: `balanced`, or numbers with commas between them.
  /// - Throws: `options.invalid`.
  package init(_ text: String) throws(TuningError) {
    if text == "balanced" {
      self = .balanced
      return
    }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let weights = parts.compactMap { Double($0) }
    guard weights.count == parts.count, weights.allSatisfy({ $0 >= 0 && $0.isFinite }),
      weights.contains(where: { $0 > 0 })
    else {
      throw TuningError(
        .optionInvalid, "'\(text)' are no class weights",
        hint: "write balanced, or a number for each class, as in 1,2.5")
    }
    self = .given(weights)
  }

  var json: JSONValue {
    switch self {
    case .balanced: "balanced"
    case .given(let weights): .array(weights.map { .real($0) })
    }
  }
}

/// How a run goes through its data, judges itself and ends, as its manifest records it.
package struct LoopOptions: Sendable, Equatable {
  package var schedule = LearningRateSchedule.Shape.linear
  /// Batches whose gradients are added up for one step.
  package var accumulation = 1
  /// Steps between evaluations; nil evaluates after every epoch.
  package var evaluationInterval: Int?
  /// Name of the metric that evaluations are compared by; nil takes the task's own number.
  package var metric: String?
  /// Evaluations in a row without a gain after which the run ends; nil never ends it early.
  package var patience: Int?
  package var keeps = KeptWeights.last
  package var classWeights: ClassWeights?
  package var labelSmoothing = 0.0
  /// Factor on the learning rate from each layer to the one below it.
  package var layerDecay = 1.0
  /// Uppermost layers that start from fresh weights.
  package var reinitializedLayers = 0

  package init() {}

  /// - Throws: `options.invalid`.
  package func validate() throws(TuningError) {
    let rules: [(Bool, String)] = [
      (accumulation > 0, "--accumulation must be at least 1"),
      (evaluationInterval ?? 1 > 0, "--evaluate-every must be at least 1"),
      (patience ?? 1 > 0, "--patience must be at least 1"),
      (
        labelSmoothing >= 0 && labelSmoothing < 1,
        "--label-smoothing must be at least 0 and below 1"
      ),
      (layerDecay > 0 && layerDecay <= 1, "--layer-decay must be above 0 and at most 1"),
      (reinitializedLayers >= 0, "--reinitialize must not be negative"),
    ]
    if let broken = rules.first(where: { !$0.0 }) { throw TuningError(.optionInvalid, broken.1) }
  }

  /// Refuses what does not go with a task or a model, before any work.
  ///
  /// - Throws: `options.invalid`.
  package func validate(
    _ data: TaskData, metrics: [Metric], layerCount: Int
  ) throws(TuningError) {
    let labels = data.labels
    func refuse(_ message: String) -> TuningError { TuningError(.optionInvalid, message) }
    if labels == .score && (classWeights != nil || labelSmoothing > 0) {
      throw refuse("class weights and label smoothing are for classes, the task predicts a score")
    }
    if case .given(let weights) = classWeights, weights.count != labels.count {
      throw refuse("--class-weights gives \(weights.count) numbers for \(labels.count) classes")
    }
    guard reinitializedLayers <= layerCount else {
      throw refuse("--reinitialize is \(reinitializedLayers), the model has \(layerCount) layers")
    }
    let names = ([nil] + data.furtherDev.map(\.name)).flatMap { set in
      metrics.map { MetricResult(metric: $0, value: 0, set: set).name }
    }
    if let metric, !names.contains(metric) {
      throw refuse(
        "--metric \(metric) is not one of the task's: " + names.joined(separator: ", "))
    }
  }

  /// The rule of the loss over training examples.
  package func lossRule(_ targets: Targets?, classCount: Int) -> LossRule {
    var rule = LossRule()
    rule.smoothing = labelSmoothing
    switch classWeights {
    case .balanced:
      if case .classes(let ids) = targets {
        rule.classWeights = LossRule.balanced(ids, classCount: classCount)
      }
    case .given(let weights): rule.classWeights = weights.map { Float($0) }
    case nil: break
    }
    return rule
  }

  package var json: JSONObject {
    var fields = JSONObject([
      "accumulation": .integer(accumulation), "label_smoothing": .real(labelSmoothing),
      "layer_decay": .real(layerDecay), "reinitialized_layers": .integer(reinitializedLayers),
      "schedule": .string(schedule.rawValue), "weights": .string(keeps.rawValue),
    ])
    fields["class_weights"] = classWeights?.json
    fields["evaluation_interval"] = evaluationInterval.map { .integer($0) }
    fields["metric"] = metric.map { .string($0) }
    fields["patience"] = patience.map { .integer($0) }
    return fields
  }
}
