import CTKCore

/// A legend of the colour scale.
struct ScaleBar {
  /// The share that the darkest colour stands for.
  let largest: Double
  /// From a share of `largest` to a place on the scale.
  let place: (Double) -> Double

  private static let steps = 48

  /// Draws the bar with its ends and middle marked.
  func draw(in drawing: inout SVGDocument, x: Double, y: Double, width: Double) {
    let step = width / Double(Self.steps)
    for index in 0..<Self.steps {
      let share = (Double(index) + 0.5) / Double(Self.steps)
      drawing.rectangle(
        x: x + step * Double(index), y: y, width: step + 0.3, height: 8,
        fill: ColorScale.color(place(share)))
    }
    for share in [0, 0.5, 1] {
      drawing.text(
        "\(Humanize.percent(share * largest)) %", x: x + share * width, y: y + 20, size: 9,
        anchor: share == 0 ? .start : share == 1 ? .end : .middle, fill: "#555555")
    }
  }
}
