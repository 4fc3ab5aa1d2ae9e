import CTKCore
import CTKTuning
import Foundation

/// Measured stages under what the machine's memory and its products allow, on
/// logarithmic axes.
struct RooflinePlot {
  private struct Point {
    let name: String
    let intensity: Double
    let rate: Double
  }

  private static let (width, height) = (760.0, 460.0)
  private static let (left, right, top, bottom) = (70.0, 150.0, 56.0, 56.0)
  private static let colors = [
    "#1f4e79", "#c0504d", "#6b8e23", "#7f5fa9", "#d08a1d", "#2a9d8f",
  ]

  private let ceilings: MachineCeilings
  private let points: [Point]
  private let names: [String]

  init(_ result: BenchText) {
    ceilings = result.ceilings
    points = result.results.flatMap { result in
      result.stages.map { stage in
        Point(
          name: stage.name, intensity: stage.intensity,
          rate: stage.operations / stage.seconds / 1e9)
      }
    }
    names = (result.results.first?.stages ?? []).map(\.name)
  }

  var drawing: SVGDocument {
    var drawing = SVGDocument(
      width: Self.width, height: Self.height, title: "Stages under the machine's roofline")
    drawing.text(
      "Stages under the machine's roofline", x: Self.left, y: 24, size: 14, isBold: true)
    drawing.text(
      "billions of operations a second over operations for each byte", x: Self.left, y: 42,
      size: 10, fill: "#555555")
    drawAxes(in: &drawing)
    drawRoof(in: &drawing)
    for point in points { draw(point, in: &drawing) }
    for (row, name) in names.enumerated() {
      let y = Self.top + 14 + 18 * Double(row)
      let x = Self.width - Self.right + 24
      drawing.rectangle(x: x, y: y - 8, width: 9, height: 9, fill: color(of: name))
      drawing.text(name, x: x + 16, y: y)
    }
    return drawing
  }

  // MARK: Scales

  /// Powers of ten around the points and the ridge.
  private var intensities: ClosedRange<Int> {
    let ridge = ceilings.productRate / ceilings.copyRate
    return Self.decades(points.map(\.intensity) + [ridge])
  }

  private var rates: ClosedRange<Int> {
    Self.decades(points.map(\.rate) + [ceilings.productRate / 1e9])
  }

  private static func decades(_ values: [Double]) -> ClosedRange<Int> {
    let exponents = values.filter { $0 > 0 && $0.isFinite }.map { log10($0) }
    let low = Int((exponents.min() ?? 0).rounded(.down))
    return low...max(low + 1, Int((exponents.max() ?? 1).rounded(.up)))
  }

  private func x(_ intensity: Double) -> Double {
    let range = intensities
    let share = (log10(intensity) - Double(range.lowerBound)) / Double(range.count - 1)
    return Self.left + share * (Self.width - Self.left - Self.right)
  }

  private func y(_ rate: Double) -> Double {
    let range = rates
    let share = (log10(rate) - Double(range.lowerBound)) / Double(range.count - 1)
    return Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
  }

  // MARK: Parts

  private func drawAxes(in drawing: inout SVGDocument) {
    let (right, bottom) = (Self.width - Self.right, Self.height - Self.bottom)
    for exponent in intensities {
      let place = x(pow(10, Double(exponent)))
      drawing.line(x1: place, y1: Self.top, x2: place, y2: bottom, stroke: "#e4e4e4")
      drawing.text(Self.power(exponent), x: place, y: bottom + 18, size: 10, anchor: .middle)
    }
    for exponent in rates {
      let place = y(pow(10, Double(exponent)))
      drawing.line(x1: Self.left, y1: place, x2: right, y2: place, stroke: "#e4e4e4")
      drawing.text(Self.power(exponent), x: Self.left - 8, y: place + 4, size: 10, anchor: .end)
    }
    drawing.text(
      "operations for each byte", x: (Self.left + right) / 2, y: Self.height - 14, anchor: .middle)
    drawing.text("GFLOP/s", x: Self.left - 8, y: Self.top - 8, anchor: .end)
  }

  private static func power(_ exponent: Int) -> String {
    exponent >= 0
      ? Humanize.count(Int(pow(10, Double(exponent))))
      : Humanize.fixed(pow(10, Double(exponent)), -exponent)
  }

  private func drawRoof(in drawing: inout SVGDocument) {
    let (low, high) = (
      pow(10, Double(intensities.lowerBound)), pow(10, Double(intensities.upperBound))
    )
    let floor = pow(10, Double(rates.lowerBound))
    let ridge = ceilings.productRate / ceilings.copyRate
    // The slope begins where it comes up through the lower edge.
    let start = max(low, floor * 1e9 / ceilings.copyRate)
    drawing.polyline(
      [start, max(ridge, start), high].map { intensity in
        (x(intensity), y(ceilings.roof(intensity: intensity) / 1e9))
      }, stroke: "#333333", width: 2)
    drawing.text(
      "\(Humanize.fixed(ceilings.productRate / 1e9, 0)) GFLOP/s", x: x(high),
      y: y(ceilings.productRate / 1e9) - 6, size: 10, anchor: .end)
  }

  private func draw(_ point: Point, in drawing: inout SVGDocument) {
    guard point.intensity > 0, point.rate > 0 else { return }
    drawing.rectangle(
      x: x(point.intensity) - 4, y: y(point.rate) - 4, width: 8, height: 8,
      fill: color(of: point.name), stroke: "#ffffff",
      hint: "\(point.name): \(Humanize.fixed(point.rate, 1)) GFLOP/s")
  }

  private func color(of name: String) -> String {
    Self.colors[(names.firstIndex(of: name) ?? 0) % Self.colors.count]
  }
}
