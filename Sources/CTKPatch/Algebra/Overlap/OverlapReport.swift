public import CTKCore

/// How much the weights of several masks or patches have in common.
public struct OverlapReport: Sendable {
  /// Two of the selections, by their places.
  public struct Pair: Sendable {
    public let first: Int
    public let second: Int
    /// Weights in both.
    public internal(set) var common = 0
    /// Weights that random selections with the same counts in each tensor would share.
    public internal(set) var commonByChanceInTensors = 0.0
    /// Weights of the tensors that at least one of the two names.
    public internal(set) var unitCount = 0
  }

  /// Weights in each selection.
  public let selected: [Int]
  /// Every pair, in order.
  public let pairs: [Pair]

  public func pair(_ first: Int, _ second: Int) -> Pair? {
    pairs.first { $0.first == min(first, second) && $0.second == max(first, second) }
  }

  /// Share of the first selection's weights that are in the second, too; 1 for itself.
  public func ratio(_ first: Int, in second: Int) -> Double {
    if first == second { return 1 }
    return share(Double(pair(first, second)?.common ?? 0), of: selected[first])
  }

  /// The same for random weights among all tensors: the density of the second selection.
  public func chance(_ first: Int, in second: Int) -> Double {
    share(Double(selected[second]), of: pair(first, second)?.unitCount ?? 0)
  }

  /// The same for random weights in tensors of the selections' own densities.
  public func chanceInTensors(_ first: Int, in second: Int) -> Double {
    share(pair(first, second)?.commonByChanceInTensors ?? 0, of: selected[first])
  }

  /// Common weights among those in either.
  public func jaccard(_ pair: Pair) -> Double {
    share(
      Double(pair.common), of: selected[pair.first] + selected[pair.second] - pair.common)
  }

  private func share(_ part: Double, of whole: Int) -> Double {
    whole == 0 ? 0 : part / Double(whole)
  }
}

/// Comparison of selections.
public enum OverlapMeter {
  /// Counts the weights that each pair has in common.
  ///
  /// Peak memory is a bit for each weight of the largest tensor and selection.
  ///
  /// - Throws: `selection.mismatch` when a tensor has several shapes, `patch.damaged`.
  public static func measure(
    _ selections: [WeightSelection], progress: ProgressHandler? = nil
  ) throws(PatchError) -> OverlapReport {
    var pairs: [OverlapReport.Pair] = []
    for first in selections.indices {
      for second in selections.indices where second > first {
        pairs.append(OverlapReport.Pair(first: first, second: second))
      }
    }
    let tables = selections.map { selection in
      Dictionary(uniqueKeysWithValues: selection.tensors.map { (UTF8Key($0.name), $0) })
    }
    let names = sortedNames(selections.flatMap { $0.tensors.map(\.name) })
    for (position, name) in names.enumerated() {
      progress?(
        ProgressEvent(stage: "overlap", completed: position, total: names.count, unit: "tensors"))
      try add(name, selections, tables.map { $0[UTF8Key(name)] }, to: &pairs)
    }
    return OverlapReport(
      selected: selections.map { $0.tensors.reduce(0) { $0 + $1.selected } }, pairs: pairs)
  }

  private static func add(
    _ name: String, _ selections: [WeightSelection], _ tensors: [WeightSelection.Tensor?],
    to pairs: inout [OverlapReport.Pair]
  ) throws(PatchError) {
    guard let known = tensors.compactMap({ $0 }).first else { return }
    for case let other? in tensors where other.shape != known.shape {
      throw PatchError(
        .selectionMismatch,
        "tensor '\(name)' has shape \(known.shape) in one and \(other.shape) in another",
        hint: "compare masks and patches of one base")
    }
    var bitmaps: [[UInt64]?] = []
    for (selection, tensor) in zip(selections, tensors) {
      let isEmpty = (tensor?.selected ?? 0) == 0
      bitmaps.append(isEmpty ? nil : try bitmap(selection, known))
    }
    for index in pairs.indices {
      let (first, second) = (pairs[index].first, pairs[index].second)
      if tensors[first] == nil && tensors[second] == nil { continue }
      pairs[index].unitCount += known.unitCount
      guard let left = bitmaps[first], let right = bitmaps[second] else { continue }
      pairs[index].common += zip(left, right).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
      let (one, two) = (tensors[first]?.selected ?? 0, tensors[second]?.selected ?? 0)
      pairs[index].commonByChanceInTensors +=
        Double(one) * Double(two) / Double(known.unitCount)
    }
  }

  private static func bitmap(
    _ selection: WeightSelection, _ tensor: WeightSelection.Tensor
  ) throws(PatchError) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: (tensor.unitCount + 63) / 64)
    try selection.forEachUnit(of: tensor.name) { unit in words[unit >> 6] |= 1 << UInt64(unit & 63)
    }
    return words
  }
}

// MARK: JSON

extension OverlapReport {
  /// One member for each pair, as `ctk overlap --json` prints them.
  public var pairsJSON: JSONValue {
    .array(
      pairs.map { pair in
        .object(
          JSONObject([
            "first": .integer(pair.first), "second": .integer(pair.second),
            "overlap": .integer(pair.common), "weights": .integer(pair.unitCount),
            "ratio": .real(ratio(pair.first, in: pair.second)),
            "ratio_of_second": .real(ratio(pair.second, in: pair.first)),
            "chance": .real(chance(pair.first, in: pair.second)),
            "chance_in_tensors": .real(chanceInTensors(pair.first, in: pair.second)),
            "jaccard": .real(jaccard(pair)),
          ]))
      })
  }
}
