package import CTKCore
import Foundation

/// The loss of a run over its steps as an SVG picture.
package struct LossPlot {
  private let losses: [(step: Int, loss: Double)]
  /// Last step of each epoch with its metrics.
  private let epochs: [(step: Int, text: String)]

  private static let (width, height) = (720.0, 400.0)
  private static let (left, right, top, bottom) = (60.0, 20.0, 30.0, 50.0)
  /// Weight of a new loss in the smooth curve.
  private static let smoothing = 0.05

  /// - Parameter events: of the run's log.
  package init(events: [JSONValue]) {
    losses = events.compactMap { event in
      guard event["event"] == "step", let step = event["step"]?.intValue,
        let loss = event["loss"]?.doubleValue
      else { return nil }
      return (step, loss)
    }
    epochs = events.compactMap { event in
      guard event["event"] == "epoch", let step = event["step"]?.intValue else { return nil }
      let metrics = (event["metrics"]?.objectValue?.members ?? []).map {
        "\($0.key) \(String(format: "%.3f", $0.value.doubleValue ?? 0))"
      }
      return (step, metrics.joined(separator: ", "))
    }
  }

  /// Reads the log of a run; lines that a kill cut off are left out.
  ///
  /// - Throws: the codes of reading the file.
  static func read(_ folder: RunFolder) throws(CoreError) -> LossPlot {
    let lines = try readSmallFile(folder.log).split(separator: UInt8(ascii: "\n"))
    return LossPlot(events: lines.compactMap { try? JSONParser.parse(Array($0)) })
  }

  package var svg: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.text(Self.width)) \
    \(Self.text(Self.height))" font-family="sans-serif" font-size="12">
    <rect width="100%" height="100%" fill="white"/>
    \(axes)
    \(epochs.map(mark).joined(separator: "\n"))
    \(curve(losses.map(\.loss), color: "#bbccdd", width: 1))
    \(curve(smooth, color: "#1f4e79", width: 2))
    </svg>

    """
  }

  // MARK: Scales

  private var lastStep: Int { max(losses.last?.step ?? 1, 1) }
  private var largestLoss: Double { max(losses.map(\.loss).max() ?? 1, 1e-9) }

  private var smooth: [Double] {
    var mean = losses.first?.loss ?? 0
    return losses.map { entry in
      mean += Self.smoothing * (entry.loss - mean)
      return mean
    }
  }

  private func x(_ step: Int) -> Double {
    Self.left + (Self.width - Self.left - Self.right) * Double(step) / Double(lastStep)
  }

  private func y(_ loss: Double) -> Double {
    Self.height - Self.bottom - (Self.height - Self.top - Self.bottom) * loss / largestLoss
  }

  private static func text(_ number: Double) -> String { String(format: "%.1f", number) }

  // MARK: Parts

  private func curve(_ values: [Double], color: String, width: Int) -> String {
    let points = zip(losses, values).map { "\(Self.text(x($0.step))),\(Self.text(y($1)))" }
    return "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"\(width)\" "
      + "points=\"\(points.joined(separator: " "))\"/>"
  }

  private var axes: String {
    let ticks = (0...4).map { tick in
      let (loss, step) = (largestLoss * Double(tick) / 4, lastStep * tick / 4)
      return """
        <text x="\(Self.text(Self.left - 6))" y="\(Self.text(y(loss) + 4))" \
        text-anchor="end">\(String(format: "%.3f", loss))</text>
        <text x="\(Self.text(x(step)))" y="\(Self.text(Self.height - Self.bottom + 18))" \
        text-anchor="middle">\(step)</text>
        """
    }
    return """
      <path d="M\(Self.text(x(0))) \(Self.text(Self.top)) V\(Self.text(y(0))) \
      H\(Self.text(x(lastStep)))" fill="none" stroke="black"/>
      \(ticks.joined(separator: "\n"))
      <text x="\(Self.text(Self.width / 2))" y="\(Self.text(Self.height - 10))" \
      text-anchor="middle">step</text>
      <text x="14" y="\(Self.text(Self.height / 2))" text-anchor="middle" \
      transform="rotate(-90 14 \(Self.text(Self.height / 2)))">loss</text>
      """
  }

  /// A line at an epoch's end with what was measured there.
  private func mark(_ epoch: (step: Int, text: String)) -> String {
    let place = Self.text(x(epoch.step))
    return """
      <path d="M\(place) \(Self.text(Self.top)) V\(Self.text(y(0)))" stroke="#cccccc"/>
      <text x="\(place)" y="\(Self.text(Self.top - 8))" text-anchor="end">\(epoch.text)</text>
      """
  }
}
