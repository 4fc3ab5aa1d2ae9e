import CTKCore
import CTKPatch

/// A drawing of where the selected weights lie: layer by kind of tensor, and in each
/// tensor rows downwards and columns to the right.
struct DensityPlot {
  private static let cell = 92.0
  private static let gap = 10.0
  private static let margin = 24.0
  private static let labelWidth = 46.0
  private static let headHeight = 86.0
  /// Cells of a tensor's grid, in either direction.
  private static let resolution = 32
  /// Colours that a density is rounded to, so that equal neighbours join.
  private static let shades = 24

  let title: String
  let selection: WeightSelection

  private struct Item {
    let grid: DensityGrid
    let x: Double
    let y: Double
    let label: String?
  }

  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func drawing() throws(PatchError) -> SVGDocument {
    let tensors = TensorGrid(selection.tensors)
    let columns = max(tensors.kinds.count, min(tensors.others.count, 6), 3)
    let step = Self.cell + Self.gap
    let bodyTop = Self.margin + Self.headHeight
    let otherTop = bodyTop + Double(tensors.layers.count) * step + 12
    let otherRows = (tensors.others.count + columns - 1) / columns
    let height =
      otherTop + Double(otherRows) * (step + 26) + (otherRows > 0 ? 16 : 0) + Self.margin
    let width = 2 * Self.margin + Self.labelWidth + Double(columns) * step
    let items = try items(tensors, columns: columns, bodyTop: bodyTop, otherTop: otherTop)
    var drawing = SVGDocument(width: width, height: height, title: title)
    drawLabels(tensors, bodyTop: bodyTop, in: &drawing)
    let largest = items.map { Self.largestDensity(of: $0.grid) }.max() ?? 0
    for item in items { draw(item, largest: largest, in: &drawing) }
    if largest > 0 {
      ScaleBar(largest: largest, place: { $0.squareRoot() })
        .draw(in: &drawing, x: width - Self.margin - 200, y: Self.margin - 4, width: 180)
    }
    return drawing
  }

  private func items(
    _ tensors: TensorGrid, columns: Int, bodyTop: Double, otherTop: Double
  ) throws(PatchError) -> [Item] {
    let step = Self.cell + Self.gap
    let left = Self.margin + Self.labelWidth
    var items: [Item] = []
    for (row, layer) in tensors.layers.enumerated() {
      for (column, kind) in tensors.kinds.enumerated() {
        guard let tensor = tensors.cells[layer]?[kind] else { continue }
        items.append(
          Item(
            grid: try selection.grid(of: tensor, limit: Self.resolution),
            x: left + Double(column) * step, y: bodyTop + Double(row) * step, label: nil))
      }
    }
    for (place, tensor) in tensors.others.enumerated() {
      items.append(
        Item(
          grid: try selection.grid(of: tensor, limit: Self.resolution),
          x: left + Double(place % columns) * step,
          y: otherTop + 26 + Double(place / columns) * (step + 26), label: tensor.name))
    }
    return items
  }

  private func drawLabels(_ tensors: TensorGrid, bodyTop: Double, in drawing: inout SVGDocument) {
    drawing.text(title, x: Self.margin, y: Self.margin + 6, size: 14, isBold: true)
    let step = Self.cell + Self.gap
    let left = Self.margin + Self.labelWidth
    for (column, kind) in tensors.kinds.enumerated() {
      let lines = Self.wrapped(kind)
      for (line, text) in lines.enumerated() {
        drawing.text(
          text, x: left + Double(column) * step + Self.cell / 2,
          y: bodyTop - 8 - Double(lines.count - 1 - line) * 12, size: 10, anchor: .middle)
      }
    }
    for (row, layer) in tensors.layers.enumerated() {
      drawing.text(
        "layer \(layer)", x: left - 8, y: bodyTop + Double(row) * step + Self.cell / 2 + 4,
        size: 10, anchor: .end)
    }
  }

  /// A name in lines that fit over a cell.
  private static func wrapped(_ name: String) -> [String] {
    var lines: [String] = []
    for part in name.split(separator: ".") {
      if let last = lines.last, last.count + part.count < 16 {
        lines[lines.count - 1] = "\(last).\(part)"
      } else {
        lines.append(String(part))
      }
    }
    return lines
  }

  private static func largestDensity(of grid: DensityGrid) -> Double {
    var largest = 0.0
    for row in 0..<grid.gridRows {
      for column in 0..<grid.gridColumns {
        largest = max(largest, grid.density(row: row, column: column))
      }
    }
    return largest
  }

  private func draw(_ item: Item, largest: Double, in drawing: inout SVGDocument) {
    if let label = item.label {
      let lines = Self.wrapped(label)
      for (line, text) in lines.suffix(2).enumerated() {
        drawing.text(
          text, x: item.x, y: item.y - 6 - Double(min(lines.count, 2) - 1 - line) * 11, size: 9)
      }
    }
    // A vector is a strip, not a square.
    let imageHeight = item.grid.rows == 1 ? 18.0 : Self.cell - 14
    drawing.rectangle(
      x: item.x, y: item.y, width: Self.cell, height: imageHeight,
      fill: ColorScale.color(0), stroke: "#d0d5d8",
      hint: "\(item.grid.name): \(Humanize.count(item.grid.selected)) of "
        + Humanize.count(item.grid.rows * item.grid.columns))
    for (shade, data) in shapes(of: item, height: imageHeight, largest: largest) {
      drawing.path(data, fill: ColorScale.color(Double(shade) / Double(Self.shades)))
    }
    drawing.text(
      "\(Humanize.percent(item.grid.density)) %", x: item.x + Self.cell / 2,
      y: item.y + imageHeight + 11, size: 9, anchor: .middle, fill: "#555555")
  }

  /// The grid as one path for each shade, of runs of equal cells.
  private func shapes(
    of item: Item, height: Double, largest: Double
  ) -> [(shade: Int, data: String)] {
    let grid = item.grid
    let (cellWidth, cellHeight) = (
      Self.cell / Double(grid.gridColumns), height / Double(grid.gridRows)
    )
    var data = [String](repeating: "", count: Self.shades + 1)
    for row in 0..<grid.gridRows {
      var column = 0
      while column < grid.gridColumns {
        let shade = shade(grid.density(row: row, column: column), largest)
        var end = column + 1
        while end < grid.gridColumns,
          self.shade(grid.density(row: row, column: end), largest) == shade
        {
          end += 1
        }
        let x = SVGDocument.number(item.x + Double(column) * cellWidth)
        let y = SVGDocument.number(item.y + Double(row) * cellHeight)
        let run = SVGDocument.number(Double(end - column) * cellWidth)
        let drop = SVGDocument.number(cellHeight)
        data[shade] += "M\(x) \(y)h\(run)v\(drop)h-\(run)z"
        column = end
      }
    }
    return data.indices.dropFirst().filter { !data[$0].isEmpty }.map { ($0, data[$0]) }
  }

  /// Small densities are told apart better on a scale of square roots.
  private func shade(_ density: Double, _ largest: Double) -> Int {
    largest == 0 ? 0 : Int(((density / largest).squareRoot() * Double(Self.shades)).rounded())
  }
}
