import CTKCore
import CTKTuning

/// Runs and their results as lines for people.
enum RunText {
  /// A run's settings, and its figures once it is complete.
  static func text(_ manifest: RunManifest, _ result: RunResult?) -> String {
    let options = manifest.options.members.map { name, value in
      line(name, value.stringValue ?? value.compactText)
    }
    let settings =
      [
        line("task", manifest.task), line("base", manifest.basePath),
        line("labels", labels(manifest.labels)),
        line("mask", manifest.mask?.hex ?? "chosen by the run"),
        line("machine", "\(manifest.threads) threads, \(manifest.kernels)"),
      ] + options
    let figures = result.map(summary) ?? line("state", "not finished; --resume goes on")
    return (settings + ["", figures]).joined(separator: "\n")
  }

  /// The figures of a finished run.
  static func summary(_ result: RunResult) -> String {
    let speed = Humanize.fixed(result.tokensPerSecond, 0)
    return
      (result.metrics.map { line($0.name, Humanize.fixed($0.value, 4)) } + [
        line("steps", "\(result.steps) in \(Humanize.duration(result.seconds)), \(speed) tokens/s"),
        line("peak memory", Humanize.bytes(result.peakMemoryBytes)),
        line("fingerprint", result.fingerprint.hex),
      ] + (result.drift.map { [line("drift", drift($0))] } ?? [])).joined(separator: "\n")
  }

  /// What a patch holds besides the child when frozen weights are not frozen.
  static func drift(_ drift: ChildDrift) -> String {
    "\(Humanize.count(drift.moved)) of \(Humanize.count(drift.weights)) weights outside the child "
      + "changed, by at most \(drift.largestRelative) of their value"
  }

  private static func labels(_ labels: LabelSpace) -> String {
    switch labels {
    case .classes(let names): "\(names.count) classes"
    case .score: "score"
    case .tags(let names): "\(names.count) classes of words"
    }
  }

  private static let titleWidth = 16

  private static func line(_ title: String, _ value: String) -> String {
    let padding = String(repeating: " ", count: max(1, titleWidth - title.count))
    return title + padding + value
  }
}
