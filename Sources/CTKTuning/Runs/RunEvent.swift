import CTKCore

/// What a run tells of itself (`formats/run.md`).
enum RunEvent {
  static func step(_ report: Trainer.StepReport, epoch: Int) -> JSONValue {
    [
      "event": "step", "step": .integer(report.step), "epoch": .integer(epoch + 1),
      "loss": .real(report.loss), "learning_rate": .real(report.learningRate),
      "gradient_norm": .real(report.gradientNorm), "tokens": .integer(report.tokens),
      "seconds": .real(report.seconds),
    ]
  }

  static func evaluation(_ results: [MetricResult], step: Int, epoch: Int) -> JSONValue {
    var values = JSONObject()
    for result in results { values[result.name] = .real(result.value) }
    return [
      "event": "evaluation", "step": .integer(step), "epoch": .integer(epoch + 1),
      "metrics": .object(values),
    ]
  }

  static func progress(
    _ report: Trainer.StepReport, epoch: Int, of epochs: Int, totalSteps: Int, clock: RunClock
  ) -> ProgressEvent {
    ProgressEvent(
      stage: "epoch \(epoch + 1)/\(epochs)", completed: report.step, total: totalSteps,
      unit: "steps",
      details: [
        ("loss", fixed(clock.smoothedLoss, digits: 4)),
        ("tokens/s", fixed(clock.recentTokensPerSecond, digits: 0)),
      ])
  }

  private static func fixed(_ value: Double, digits: Int) -> String {
    let scale = (0..<digits).reduce(1.0) { power, _ in power * 10 }
    let rounded = (value * scale).rounded() / scale
    return digits == 0 ? String(Int(rounded)) : String(rounded)
  }
}
