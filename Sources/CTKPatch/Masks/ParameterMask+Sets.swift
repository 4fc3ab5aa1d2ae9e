public import CTKCore

/// Masks as sets of weights.
///
/// Every result is scored over all tensors that any operand scored; a tensor that an
/// operand did not score has no weight in it.
extension ParameterMask {
  /// How masks are combined into one.
  public enum SetOperation: String, Sendable, CaseIterable {
    /// Weights in any of the masks.
    case union
    /// Weights in all of the masks.
    case intersection
    /// Weights of the first mask in none of the others.
    case difference
    /// Scored weights in none of the masks.
    case complement

    /// What the mask file says its weights were ranked by.
    var score: String { "set-\(rawValue)" }
  }

  /// Combines one or more masks over one base.
  ///
  /// The result's keep ratio is the share of its scored weights that it selects.
  /// - Throws: `mask.not-combinable` for masks over different bases or for a tensor with
  ///   different shapes, and `mask.invalid`.
  public static func combine(
    _ masks: [ParameterMask], _ operation: SetOperation, provenance: Provenance = Provenance()
  ) throws(PatchError) -> ParameterMask {
    guard let first = masks.first else {
      throw PatchError(.maskNotCombinable, "there is no mask to combine")
    }
    if masks.contains(where: { $0.baseFingerprint != first.baseFingerprint }) {
      throw PatchError(
        .maskNotCombinable, "the masks are for different bases",
        hint: "ctk inspect prints each mask's base fingerprint")
    }
    var tensors: [MaskedTensor] = []
    var scored = 0
    for (name, shape) in try shapes(masks) {
      let parts = masks.map { $0.tensor(named: name)?.positions ?? [] }
      let tensor = try MaskedTensor(
        name: name, shape: shape, positions: positions(parts, operation, shape))
      scored += tensor.elementCount
      tensors.append(tensor)
    }
    let selected = tensors.map(\.positions.count).reduce(0, +)
    return try ParameterMask(
      tensors: tensors, baseFingerprint: first.baseFingerprint, scored: scored,
      keep: scored == 0 ? 0 : Double(selected) / Double(scored), score: operation.score,
      provenance: provenance)
  }

  /// Every scored tensor, in name order.
  private static func shapes(
    _ masks: [ParameterMask]
  ) throws(PatchError) -> [(name: String, shape: [Int])] {
    var shapes: [String: [Int]] = [:]
    for tensor in masks.flatMap(\.tensors) {
      guard shapes[tensor.name] ?? tensor.shape == tensor.shape else {
        throw PatchError(
          .maskNotCombinable, "the masks give tensor '\(tensor.name)' different shapes")
      }
      shapes[tensor.name] = tensor.shape
    }
    return shapes.sorted { utf8Precedes($0.key, $1.key) }.map { ($0.key, $0.value) }
  }

  /// - Parameter parts: ascending positions of each mask, at least one.
  private static func positions(
    _ parts: [[UInt32]], _ operation: SetOperation, _ shape: [Int]
  ) -> [UInt32] {
    switch operation {
    case .union: parts.dropFirst().reduce(parts[0], union)
    case .intersection: parts.dropFirst().reduce(parts[0], intersection)
    case .difference: difference(parts[0], parts.dropFirst().reduce([], union))
    case .complement:
      complement(parts.dropFirst().reduce(parts[0], union), of: shape.reduce(1, *))
    }
  }

  private static func union(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var merged: [UInt32] = []
    merged.reserveCapacity(left.count + right.count)
    var (i, j) = (0, 0)
    while i < left.count || j < right.count {
      if j == right.count || (i < left.count && left[i] <= right[j]) {
        if j < right.count && left[i] == right[j] { j += 1 }
        merged.append(left[i])
        i += 1
      } else {
        merged.append(right[j])
        j += 1
      }
    }
    return merged
  }

  private static func intersection(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var common: [UInt32] = []
    var (i, j) = (0, 0)
    while i < left.count && j < right.count {
      if left[i] == right[j] { common.append(left[i]) }
      let (a, b) = (left[i], right[j])
      if a <= b { i += 1 }
      if b <= a { j += 1 }
    }
    return common
  }

  private static func difference(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var rest: [UInt32] = []
    var j = 0
    for position in left {
      while j < right.count && right[j] < position { j += 1 }
      if j == right.count || right[j] != position { rest.append(position) }
    }
    return rest
  }

  private static func complement(_ positions: [UInt32], of count: Int) -> [UInt32] {
    var rest: [UInt32] = []
    rest.reserveCapacity(count - positions.count)
    var next = 0
    for position in 0..<count {
      if next < positions.count && Int(positions[next]) == position {
        next += 1
      } else {
        rest.append(UInt32(position))
      }
    }
    return rest
  }
}
