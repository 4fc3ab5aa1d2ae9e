import CTKCore
import Dispatch

/// Progress on standard error: a bar on a terminal, a plain line now and then elsewhere.
final class ProgressBar {
  private let isTerminal: Bool
  private var stage = ""
  private var stageStart: UInt64 = 0
  private var stageBase = 0
  private var lastDraw: UInt64 = 0
  private var hasBar = false

  /// Redraws of a bar are at least this far apart; plain lines much further.
  private static let barInterval: UInt64 = 1_000_000_000 / 6
  private static let lineInterval: UInt64 = 10_000_000_000
  /// Nothing is shown before a step has taken this long.
  private static let patience: UInt64 = 1_000_000_000
  private static let width = 24

  init(isTerminal: Bool) { self.isTerminal = isTerminal }

  func show(_ event: ProgressEvent) {
    let now = DispatchTime.now().uptimeNanoseconds
    if event.stage != stage {
      finish()
      stage = event.stage
      stageStart = now
      stageBase = max(0, event.completed - 1)
      lastDraw = isTerminal ? 0 : now
    }
    let interval = isTerminal ? Self.barInterval : Self.lineInterval
    guard now - stageStart > Self.patience, now - lastDraw >= interval else { return }
    lastDraw = now
    let line = text(event, seconds: Double(now - stageStart) / 1e9)
    if isTerminal {
      Console.writeError("\r\u{1B}[2K" + line)
      hasBar = true
    } else {
      Console.writeError(line + "\n")
    }
  }

  /// Clears an unfinished bar.
  func finish() {
    if hasBar { Console.writeError("\r\u{1B}[2K") }
    hasBar = false
  }

  private func text(_ event: ProgressEvent, seconds: Double) -> String {
    let share = Double(event.completed) / Double(max(event.total, 1))
    let rate = Double(event.completed - stageBase) / max(seconds, 1e-9)
    let left = Double(event.total - event.completed) / max(rate, 1e-9)
    var parts = ["\(event.completed)/\(event.total) \(event.unit)"]
    parts.append("\(Humanize.fixed(rate, 1))/s")
    parts += event.details.map { "\($0.label) \($0.value)" }
    parts.append("\(Humanize.duration(left)) left")
    let filled = Int(share * Double(Self.width))
    let bar =
      isTerminal
      ? String(repeating: "#", count: filled)
        + String(repeating: ".", count: Self.width - filled) + "  "
      : ""
    return "\(event.stage)  \(bar)\(parts.joined(separator: "  "))"
  }
}
