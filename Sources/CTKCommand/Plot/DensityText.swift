import CTKCore
import CTKPatch

/// A density map in characters: layer by kind of tensor.
struct DensityText {
  private static let shades = Array(" .:-=+*#%@")
  private static let width = 12
  private static let height = 5

  let selection: WeightSelection

  /// - Throws: `patch.damaged`, `patch.unsupported`.
  func text() throws(PatchError) -> String {
    let tensors = TensorGrid(selection.tensors)
    var blocks: [String] = []
    for layer in tensors.layers {
      let row = tensors.kinds.compactMap { tensors.cells[layer]?[$0] }
      blocks.append(try "layer \(layer)\n" + rows(of: row, labels: row.map(Self.shortName)))
    }
    if !tensors.others.isEmpty {
      blocks.append(
        try "other tensors\n" + rows(of: tensors.others, labels: tensors.others.map(\.name)))
    }
    let scale = Self.shades.map { "'\($0)'" }.joined(separator: " ")
    return blocks.joined(separator: "\n\n")
      + "\n\ndensity from 0 to 1, in square roots: \(scale)"
  }

  private static func shortName(_ tensor: WeightSelection.Tensor) -> String {
    let parts = tensor.name.split(separator: ".").filter { $0 != "weight" }
    return parts.suffix(2).joined(separator: ".")
  }

  /// Maps side by side, as many as fit.
  private func rows(
    of tensors: [WeightSelection.Tensor], labels: [String]
  ) throws(PatchError) -> String {
    var text: [String] = []
    let width = 18
    for start in stride(from: 0, to: tensors.count, by: 4) {
      let range = start..<min(start + 4, tensors.count)
      var lines = [[String]](repeating: [], count: Self.height + 2)
      for index in range {
        let map = try map(of: tensors[index])
        lines[0].append(Self.padded(String(labels[index].suffix(width - 2)), width))
        for line in 0..<Self.height {
          lines[line + 1].append(Self.padded(line < map.count ? map[line] : "", width))
        }
        lines[Self.height + 1].append(
          Self.padded("\(Humanize.percent(tensors[index].density)) %", width))
      }
      text += lines.map { line in
        var joined = line.joined()
        while joined.hasSuffix(" ") { joined.removeLast() }
        return joined
      }
      .filter { !$0.isEmpty }
    }
    return text.joined(separator: "\n")
  }

  private func map(of tensor: WeightSelection.Tensor) throws(PatchError) -> [String] {
    let fine = try selection.grid(of: tensor, limit: Self.width)
    let coarse = min(fine.gridRows, Self.height)
    return (0..<coarse).map { line in
      let rows = line * fine.gridRows / coarse..<(line + 1) * fine.gridRows / coarse
      let cells = (0..<fine.gridColumns).map { column -> Character in
        let sum = rows.reduce(0) { $0 + fine.density(row: $1, column: column) }
        let share = (sum / Double(rows.count)).squareRoot()
        return Self.shades[min(Int(share * Double(Self.shades.count)), Self.shades.count - 1)]
      }
      return "|" + String(cells) + "|"
    }
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }
}
