import CTKCore
import CTKPatch

/// Densities of a selection's tensors in percent: kind of tensor by layer.
enum DensityTable {
  /// - Returns: nil when no tensor belongs to a layer.
  static func text(_ selection: WeightSelection) -> String? {
    let tensors = TensorGrid(selection.tensors)
    if tensors.layers.isEmpty { return nil }
    var table = Table(["density in %"] + tensors.layers.map { ">\($0)" } + [">all"])
    for kind in tensors.kinds {
      let row = tensors.layers.map { tensors.cells[$0]?[kind] }
      table.add([kind] + row.map { percent([$0]) } + [percent(row)])
    }
    let whole = tensors.layers.map { layer in tensors.kinds.map { tensors.cells[layer]?[$0] } }
    table.add(["layer"] + whole.map { percent($0) } + [percent(whole.flatMap { $0 })])
    return table.text
  }

  private static func percent(_ tensors: [WeightSelection.Tensor?]) -> String {
    let known = tensors.compactMap { $0 }
    let count = known.reduce(0) { $0 + $1.unitCount }
    if count == 0 { return "-" }
    let selected = known.reduce(0) { $0 + $1.selected }
    return Humanize.fixed(100 * Double(selected) / Double(count), 1)
  }
}
