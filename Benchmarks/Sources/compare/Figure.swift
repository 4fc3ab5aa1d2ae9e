/// A figure of the table, in its order.
enum Figure: CaseIterable {
  case wallSeconds
  case processorSeconds
  case peakBytes
  case tokensPerSecond
  case medianStepSeconds
  case toldPeakBytes

  var title: String {
    switch self {
    case .wallSeconds: "wall s"
    case .processorSeconds: "processor s"
    case .peakBytes: "peak MB"
    case .tokensPerSecond: "tokens/s, as told"
    case .medianStepSeconds: "median step s, as told"
    case .toldPeakBytes: "peak MB, as told"
    }
  }

  /// Fields of a command's JSON object that tell the figure: ctk's and the PyTorch script's.
  var keys: [String] {
    switch self {
    case .wallSeconds, .processorSeconds, .peakBytes: []
    case .tokensPerSecond: ["tokens_per_second", "real_tokens_per_second"]
    case .medianStepSeconds: ["median_step_seconds"]
    case .toldPeakBytes: ["peak_memory_bytes", "peak_rss_bytes"]
    }
  }

  /// Factor from the measured unit to the printed one.
  var scale: Double {
    switch self {
    case .peakBytes, .toldPeakBytes: 1e-6
    default: 1
    }
  }
}
