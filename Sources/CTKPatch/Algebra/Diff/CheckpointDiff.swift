public import CTKCore

/// How two checkpoints differ.
public struct CheckpointDiff: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case unchanged
    /// Other bits.
    case changed
    /// Another dtype or shape.
    case replaced
    case added
    case removed
  }

  /// One tensor.
  public struct Row: Sendable {
    public let name: String
    public let kind: Kind
    public let before: TensorInfo?
    public let after: TensorInfo?
    /// For tensors of one dtype and shape.
    public let statistics: ChangeStatistics?
  }

  /// Every tensor of either checkpoint, in name order.
  public let rows: [Row]

  public var isIdentical: Bool { rows.allSatisfy { $0.kind == .unchanged } }

  public func rows(_ kind: Kind) -> [Row] { rows.filter { $0.kind == kind } }

  /// All tensors that both checkpoints have with one dtype and shape.
  public var total: ChangeStatistics {
    rows.reduce(into: ChangeStatistics()) { sum, row in
      if let statistics = row.statistics { sum.add(statistics) }
    }
  }
}

/// Comparison of checkpoints, tensor by tensor.
public enum CheckpointComparer {
  /// Compares the bits of every tensor of two sources.
  ///
  /// Names are compared as the sources give them. Tensors are read in tiles, and
  /// nothing is kept of them but their statistics.
  ///
  /// - Parameter threadCount: nil for all processors.
  /// - Throws: the codes of the sources.
  public static func compare(
    _ first: any TensorSource, _ second: any TensorSource, threadCount: Int? = nil,
    progress: ProgressHandler? = nil
  ) throws(PatchError) -> CheckpointDiff {
    let names = sortedNames(first.tensors.map(\.name) + second.tensors.map(\.name))
    let rows = try Workers(threadCount: threadCount).map(
      weights: names.map { first.info(of: $0)?.byteCount ?? 0 },
      completed: { completed in
        progress?(
          ProgressEvent(stage: "diff", completed: completed, total: names.count, unit: "tensors"))
      },
      { (index) throws(PatchError) in try row(names[index], first, second) })
    return CheckpointDiff(rows: rows)
  }

  private static func row(
    _ name: String, _ first: any TensorSource, _ second: any TensorSource
  ) throws(PatchError) -> CheckpointDiff.Row {
    let (before, after) = (first.info(of: name), second.info(of: name))
    guard let before, let after else {
      return CheckpointDiff.Row(
        name: name, kind: before == nil ? .added : .removed, before: before, after: after,
        statistics: nil)
    }
    guard before.dtype == after.dtype, before.shape == after.shape else {
      return CheckpointDiff.Row(
        name: name, kind: .replaced, before: before, after: after, statistics: nil)
    }
    let statistics = try first.lend(name) { (old) throws(PatchError) in
      try second.lend(name) { (new) throws(PatchError) in
        compare(before, old, new) { range in
          first.discard(name, range)
          second.discard(name, range)
        }
      }
    }
    return CheckpointDiff.Row(
      name: name, kind: statistics.changed == 0 ? .unchanged : .changed, before: before,
      after: after, statistics: statistics)
  }

  private static func compare(
    _ info: TensorInfo, _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer,
    discard: (Range<Int>) -> Void
  ) -> ChangeStatistics {
    switch CodingUnit(info.dtype).width {
    case .one: TensorComparison<UInt8>(info: info).statistics(old, new, discard: discard)
    case .two: TensorComparison<UInt16>(info: info).statistics(old, new, discard: discard)
    case .four: TensorComparison<UInt32>(info: info).statistics(old, new, discard: discard)
    case .eight: TensorComparison<UInt64>(info: info).statistics(old, new, discard: discard)
    }
  }
}

// MARK: JSON

extension CheckpointDiff {
  /// The members that `ctk diff --json` prints.
  public var json: JSONObject {
    let total = total
    var object = JSONObject([
      "identical": .bool(isIdentical), "changed_weights": .integer(total.changed),
      "weights": .integer(total.unitCount), "density": .real(total.density),
      "total": .object(total.json),
      "relative_limits": .array(ChangeStatistics.relativeLimits.map { .real($0) }),
    ])
    for kind in Kind.allCases {
      let names = rows(kind).map(\.name)
      object[kind.rawValue] = .object(
        JSONObject([
          "count": .integer(names.count), "names": .array(names.map { .string($0) }),
        ]))
    }
    object["tensors"] = .array(rows.filter { $0.kind != .unchanged }.map { .object($0.json) })
    return object
  }
}

extension CheckpointDiff.Row {
  fileprivate var json: JSONObject {
    var object = statistics?.json ?? JSONObject()
    object["name"] = .string(name)
    object["kind"] = .string(kind.rawValue)
    for (key, info) in [("before", before), ("after", after)] {
      guard let info else { continue }
      object[key] = .object(
        JSONObject([
          "dtype": .string(info.dtype.rawValue),
          "shape": .array(info.shape.map { .integer($0) }),
        ]))
    }
    return object
  }
}
