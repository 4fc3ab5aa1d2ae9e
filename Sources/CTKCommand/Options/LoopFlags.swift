import ArgumentParser
import CTKTuning

/// How a run goes through its data, judges itself and ends.
struct LoopFlags: ParsableArguments {
  @Option(help: "Learning rate after the warm-up: linear (to zero), cosine (to zero) or constant.")
  var schedule = "linear"

  @Option(help: "Batches whose gradients are added up for one step.")
  var accumulation = 1

  @Option(help: "Evaluate every so many steps (default: after each epoch).")
  var evaluateEvery: Int?

  @Option(help: "Metric that evaluations are compared by (default: the mean of the task's).")
  var metric: String?

  @Option(help: "End the run after so many evaluations in a row without a gain.")
  var patience: Int?

  @Option(help: "Weights that the run ends with: last, or best (of the best evaluation).")
  var weights = "last"

  @Option(help: "Weights of the classes in the loss: balanced, or a number for each, as in 1,2.5.")
  var classWeights: String?

  @Option(help: "Share of each label that is spread over all classes.")
  var labelSmoothing = 0.0

  @Option(help: "Factor on the learning rate from each layer to the one below it.")
  var layerDecay = 1.0

  @Option(help: "Start so many of the uppermost layers, and all above them, from fresh weights.")
  var reinitialize = 0

  init() {}

  /// - Throws: `options.invalid`, or a usage error.
  func options() throws -> LoopOptions {
    var options = LoopOptions()
    options.schedule = try choice("--schedule", schedule)
    options.accumulation = accumulation
    options.evaluationInterval = evaluateEvery
    options.metric = metric
    options.patience = patience
    options.keeps = try choice("--weights", weights)
    options.classWeights = try classWeights.map { (text) throws(TuningError) in
      try ClassWeights(text)
    }
    options.labelSmoothing = labelSmoothing
    options.layerDecay = layerDecay
    options.reinitializedLayers = reinitialize
    return options
  }
}
