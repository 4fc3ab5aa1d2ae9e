import CTKCore
import CTKPatch

/// A heat map of overlap ratios.
struct OverlapPlot {
  private static let cell = 64.0
  private static let margin = 24.0

  let labels: [String]
  let report: OverlapReport

  var drawing: SVGDocument {
    let count = Double(labels.count)
    let labelWidth = 16 + 6.2 * Double(labels.map(\.count).max() ?? 0)
    let (left, top) = (Self.margin + labelWidth, Self.margin + 56)
    let width = max(left + count * Self.cell + Self.margin, 420)
    var drawing = SVGDocument(
      width: width, height: top + count * Self.cell + Self.margin + 58,
      title: "Overlap of selected weights")
    drawing.text(
      "Overlap of selected weights", x: Self.margin, y: Self.margin + 6, size: 14, isBold: true)
    drawing.text(
      "share of the row's weights that are in the column; in brackets: by chance",
      x: Self.margin, y: Self.margin + 24, size: 10, fill: "#555555")
    for (row, label) in labels.enumerated() {
      let middle = (Double(row) + 0.5) * Self.cell
      drawing.text(label, x: left - 8, y: top + middle + 4, size: 11, anchor: .end)
      drawing.text("\(row + 1)", x: left + middle, y: top - 6, size: 11, anchor: .middle)
      drawing.text("\(row + 1)", x: Self.margin, y: top + middle + 4, size: 11, fill: "#888888")
      for column in labels.indices {
        draw(row, column, x: left, y: top, in: &drawing)
      }
    }
    ScaleBar(largest: 1, place: { $0 })
      .draw(in: &drawing, x: left, y: top + count * Self.cell + 18, width: 180)
    return drawing
  }

  private func draw(
    _ row: Int, _ column: Int, x: Double, y: Double, in drawing: inout SVGDocument
  ) {
    let ratio = report.ratio(row, in: column)
    let (left, top) = (x + Double(column) * Self.cell, y + Double(row) * Self.cell)
    drawing.rectangle(
      x: left, y: top, width: Self.cell, height: Self.cell, fill: ColorScale.color(ratio),
      stroke: "#ffffff", hint: "\(labels[row]) in \(labels[column])")
    let color = ColorScale.textColor(on: ratio)
    drawing.text(
      "\(Humanize.percent(ratio)) %", x: left + Self.cell / 2, y: top + Self.cell / 2 + 1,
      size: 12, anchor: .middle, fill: color)
    if row != column {
      drawing.text(
        "(\(Humanize.percent(report.chance(row, in: column))) %)", x: left + Self.cell / 2,
        y: top + Self.cell / 2 + 16, size: 10, anchor: .middle, fill: color)
    }
  }
}
