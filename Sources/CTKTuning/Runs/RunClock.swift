import CTKCore

/// Time and tokens of a run's steps, over all its sessions.
struct RunClock {
  private var stepSeconds: [Double] = []
  private var tokens: [Int] = []
  /// Exponential mean of the loss over about twenty steps.
  private(set) var smoothedLoss = 0.0

  private static let smoothing = 0.05
  private static let recentSteps = 20

  /// - Parameter events: of the log that a resumed run continues.
  init(events: [JSONValue]) {
    for event in events where event["event"]?.stringValue == "step" {
      add(
        loss: event["loss"]?.doubleValue ?? 0, tokens: event["tokens"]?.intValue ?? 0,
        seconds: event["seconds"]?.doubleValue ?? 0)
    }
  }

  mutating func add(_ report: Trainer.StepReport) {
    add(loss: report.loss, tokens: report.tokens, seconds: report.seconds)
  }

  private mutating func add(loss: Double, tokens: Int, seconds: Double) {
    smoothedLoss =
      stepSeconds.isEmpty ? loss : smoothedLoss + Self.smoothing * (loss - smoothedLoss)
    stepSeconds.append(seconds)
    self.tokens.append(tokens)
  }

  var seconds: Double { stepSeconds.reduce(0, +) }

  var tokensPerSecond: Double { Double(tokens.reduce(0, +)) / max(seconds, 1e-9) }

  var recentTokensPerSecond: Double {
    Double(tokens.suffix(Self.recentSteps).reduce(0, +))
      / max(stepSeconds.suffix(Self.recentSteps).reduce(0, +), 1e-9)
  }

  var medianStepSeconds: Double { Stopwatch.median(stepSeconds) }
}
