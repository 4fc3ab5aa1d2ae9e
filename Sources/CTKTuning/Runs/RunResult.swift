package import CTKCore

/// The figures of a finished run, as `metrics.json` keeps them.
package struct RunResult: Sendable, Equatable {
  /// Value of each metric by its name.
  package let metrics: [MetricResult]
  package let steps: Int
  /// Training time without evaluation, over all sessions of the run.
  package let seconds: Double
  /// Real tokens over training seconds.
  package let tokensPerSecond: Double
  package let medianStepSeconds: Double
  /// Largest resident set of the session that finished the run.
  package let peakMemoryBytes: Int
  /// Of the tuned weights.
  package let fingerprint: Digest
  /// Of the weights outside the child, where they may move.
  package let drift: ChildDrift?

  package var json: JSONObject {
    var values = JSONObject()
    for result in metrics { values[result.name] = .real(result.value) }
    var fields = JSONObject([
      "metrics": .object(values), "steps": .integer(steps), "seconds": .real(seconds),
      "tokens_per_second": .real(tokensPerSecond),
      "median_step_seconds": .real(medianStepSeconds),
      "peak_memory_bytes": .integer(peakMemoryBytes), "fingerprint": .string(fingerprint.hex),
    ])
    fields["drift"] = drift?.json
    return fields
  }

  /// Reads the result of a complete run.
  ///
  /// - Throws: `run.state-invalid` when a figure is missing or of another kind.
  package static func read(_ folder: RunFolder) throws(TuningError) -> RunResult {
    let json: JSONValue
    do {
      json = try JSONParser.parseFile(folder.metrics)
    } catch {
      throw damaged(folder, error.message)
    }
    guard let result = RunResult(json: json) else {
      throw damaged(folder, "a figure is missing or has the wrong kind")
    }
    return result
  }

  private static func damaged(_ folder: RunFolder, _ why: String) -> TuningError {
    TuningError(
      .stateInvalid, "the run's metrics are damaged: \(why)", path: folder.metrics,
      hint: "remove the file and continue the run with --resume")
  }

  private init?(json: JSONValue) {
    guard let values = json["metrics"]?.objectValue,
      let steps = json["steps"]?.intValue, steps > 0,
      let seconds = json["seconds"]?.doubleValue,
      let rate = json["tokens_per_second"]?.doubleValue,
      let median = json["median_step_seconds"]?.doubleValue,
      let memory = json["peak_memory_bytes"]?.intValue,
      let fingerprint = json["fingerprint"]?.stringValue.flatMap(Digest.init(hex:))
    else { return nil }
    let metrics = values.members.compactMap { name, value in
      value.doubleValue.flatMap { MetricResult(name: name, value: $0) }
    }
    guard metrics.count == values.count, !metrics.isEmpty else { return nil }
    let drift = json["drift"].map { ChildDrift(json: $0) }
    if case .some(.none) = drift { return nil }
    self.metrics = metrics
    self.steps = steps
    self.seconds = seconds
    tokensPerSecond = rate
    medianStepSeconds = median
    peakMemoryBytes = memory
    self.fingerprint = fingerprint
    self.drift = drift ?? nil
  }
}

extension RunResult {
  /// - Parameter peakMemoryBytes: largest resident set of this process.
  init(
    _ outcome: Finetuner.Outcome, peakMemoryBytes: Int, fingerprint: Digest, drift: ChildDrift?
  ) {
    metrics = outcome.metrics
    steps = outcome.steps
    seconds = outcome.seconds
    tokensPerSecond = outcome.tokensPerSecond
    medianStepSeconds = outcome.medianStepSeconds
    self.peakMemoryBytes = peakMemoryBytes
    self.fingerprint = fingerprint
    self.drift = drift
  }
}
