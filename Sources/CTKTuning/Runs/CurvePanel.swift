import CTKCore
import Foundation

/// A drawing of curves over a run's steps, with axes.
struct CurvePanel {
  /// One curve.
  struct Series {
    let name: String?
    let points: [(step: Int, value: Double)]
    let color: String
    var width = 1.5
    /// Whether each point is marked.
    var marksPoints = false
  }

  let title: String
  let series: [Series]
  /// Steps of the whole run.
  let lastStep: Int
  let includesZero: Bool

  static let height = 190.0
  private static let (left, right, top, bottom) = (70.0, 20.0, 34.0, 26.0)

  private var range: (low: Double, high: Double) {
    let values = series.flatMap(\.points).map(\.value).filter(\.isFinite)
    var (low, high) = (values.min() ?? 0, values.max() ?? 1)
    if includesZero { (low, high) = (min(low, 0), max(high, 0)) }
    if high - low < 1e-12 * max(abs(high), 1e-12) { (low, high) = (low - 0.5, high + 0.5) }
    return (low, high)
  }

  /// Draws the panel over the width of the document, with its upper edge at `y`.
  func draw(in document: inout SVGDocument, y: Double) {
    let range = range
    let (x0, x1) = (Self.left, document.width - Self.right)
    let (y0, y1) = (y + Self.height - Self.bottom, y + Self.top)
    func place(_ step: Int) -> Double {
      x0 + (x1 - x0) * Double(step) / Double(max(lastStep, 1))
    }
    func height(_ value: Double) -> Double {
      y0 + (y1 - y0) * (value - range.low) / (range.high - range.low)
    }
    document.text(title, x: x0, y: y + 16, size: 12, isBold: true)
    for tick in Self.ticks(range.low, range.high) {
      document.line(x1: x0, y1: height(tick), x2: x1, y2: height(tick), stroke: "#e4e4e4")
      document.text(Self.label(tick), x: x0 - 6, y: height(tick) + 4, size: 10, anchor: .end)
    }
    document.line(x1: x0, y1: y1, x2: x0, y2: y0, stroke: "#444444")
    document.line(x1: x0, y1: y0, x2: x1, y2: y0, stroke: "#444444")
    for tick in Self.ticks(0, Double(lastStep)) where tick == tick.rounded() {
      document.text(
        "\(Int(tick))", x: place(Int(tick)), y: y0 + 15, size: 10, anchor: .middle)
    }
    for one in series {
      let points = one.points.filter { $0.value.isFinite }
        .map { (x: place($0.step), y: height($0.value)) }
      document.polyline(points, stroke: one.color, width: one.width)
      for point in points where one.marksPoints {
        document.rectangle(
          x: point.x - 2, y: point.y - 2, width: 4, height: 4, fill: one.color)
      }
    }
    drawLegend(in: &document, x: x1, y: y + 16)
  }

  private func drawLegend(in document: inout SVGDocument, x: Double, y: Double) {
    var end = x
    for one in series.reversed() {
      guard let name = one.name else { continue }
      document.text(name, x: end, y: y, size: 10, anchor: .end, fill: one.color)
      end -= 14 + 6.2 * Double(name.count)
    }
  }

  // MARK: Ticks

  /// Three to seven round numbers within a range.
  static func ticks(_ low: Double, _ high: Double) -> [Double] {
    let rough = (high - low) / 5
    guard rough > 0, rough.isFinite else { return [low] }
    let power = pow(10, log10(rough).rounded(.down))
    let step = power * ([1, 2, 5].first { power * $0 >= rough } ?? 10)
    let first = (low / step).rounded(.up)
    return stride(from: first, through: (high / step).rounded(.down), by: 1).map { $0 * step }
  }

  private static func label(_ value: Double) -> String {
    value == 0 ? "0" : String(format: "%.3g", value)
  }
}
