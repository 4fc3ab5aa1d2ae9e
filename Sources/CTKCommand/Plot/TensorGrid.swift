import CTKPatch

/// Tensors of a model by layer and by what they are for.
struct TensorGrid {
  /// Names of the rows: layer numbers.
  private(set) var layers: [Int] = []
  /// Names of the columns: what follows the layer's number, as "attention.self.query".
  private(set) var kinds: [String] = []
  private(set) var cells: [Int: [String: WeightSelection.Tensor]] = [:]
  /// Tensors that belong to no layer.
  private(set) var others: [WeightSelection.Tensor] = []

  init(_ tensors: [WeightSelection.Tensor]) {
    for tensor in tensors {
      guard let (layer, kind) = Self.place(of: tensor.name), cells[layer]?[kind] == nil else {
        others.append(tensor)
        continue
      }
      if !kinds.contains(kind) { kinds.append(kind) }
      cells[layer, default: [:]][kind] = tensor
    }
    layers = cells.keys.sorted()
  }

  /// The first number among a name's parts, and the parts behind it.
  private static func place(of name: String) -> (layer: Int, kind: String)? {
    let parts = name.split(separator: ".")
    guard let number = parts.firstIndex(where: { Int($0) != nil }), let layer = Int(parts[number]),
      number + 1 < parts.count
    else { return nil }
    let kind = parts[(number + 1)...].joined(separator: ".")
    return (layer, kind.hasSuffix(".weight") ? String(kind.dropLast(7)) : kind)
  }
}
