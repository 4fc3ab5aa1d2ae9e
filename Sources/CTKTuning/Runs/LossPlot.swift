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
    var document = SVGDocument(
      width: Self.width, height: Self.height, title: "Loss of the run over its steps")
    addAxes(to: &document)
    for epoch in epochs { addMark(epoch, to: &document) }
    document.polyline(points(losses.map(\.loss)), stroke: "#bbccdd", width: 1)
    document.polyline(points(smooth), stroke: "#1f4e79", width: 2)
    return document.text
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

  // MARK: Parts

  private func points(_ values: [Double]) -> [(x: Double, y: Double)] {
    zip(losses, values).map { (x($0.step), y($1)) }
  }

  private func addAxes(to document: inout SVGDocument) {
    let (bottom, end) = (y(0), x(lastStep))
    document.line(x1: Self.left, y1: Self.top, x2: Self.left, y2: bottom, stroke: "#000000")
    document.line(x1: Self.left, y1: bottom, x2: end, y2: bottom, stroke: "#000000")
    for tick in 0...4 {
      let (loss, step) = (largestLoss * Double(tick) / 4, lastStep * tick / 4)
      document.text(
        String(format: "%.3f", loss), x: Self.left - 6, y: y(loss) + 4, anchor: .end)
      document.text("\(step)", x: x(step), y: bottom + 18, anchor: .middle)
    }
    document.text("step", x: Self.width / 2, y: Self.height - 10, anchor: .middle)
    document.text("loss", x: Self.left, y: Self.top - 8, anchor: .end)
  }

  /// A line at an epoch's end with what was measured there.
  private func addMark(
    _ epoch: (step: Int, text: String), to document: inout SVGDocument
  ) {
    let place = x(epoch.step)
    document.line(x1: place, y1: Self.top, x2: place, y2: y(0), stroke: "#cccccc")
    document.text(epoch.text, x: place, y: Self.top - 8, anchor: .end)
  }
}
