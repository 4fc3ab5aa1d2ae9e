import CTKCore
import CTKPatch

/// A comparison of checkpoints as tables for people.
enum DiffText {
  private static let barWidth = 40

  static func report(_ diff: CheckpointDiff) -> String {
    let counts = CheckpointDiff.Kind.allCases.map { (kind: $0, count: diff.rows($0).count) }
    let summary = counts.filter { $0.count > 0 || $0.kind == .unchanged }
      .map { "\(Humanize.count($0.count)) \($0.kind.rawValue)" }.joined(separator: ", ")
    if diff.isIdentical { return "identical: \(summary)" }
    var parts = [tensors(diff)]
    let total = diff.total
    if total.changed > 0 { parts += [steps(total.steps), relative(total)] }
    parts.append(
      """
      tensors      \(summary)
      changed      \(Humanize.count(total.changed)) of \(Humanize.count(total.unitCount)) \
      weights, \(Humanize.percent(total.density)) %
      """)
    return parts.joined(separator: "\n\n")
  }

  private static func tensors(_ diff: CheckpointDiff) -> String {
    var table = Table([
      "tensor", "kind", "shape", ">changed", ">density", ">largest change", ">mean steps",
      ">largest steps",
    ])
    for row in diff.rows where row.kind != .unchanged {
      let shapes = [row.before, row.after].compactMap { $0 }.map { info in
        "\(info.dtype.rawValue) \(info.shape.map(String.init).joined(separator: "x"))"
      }
      let shape = row.kind == .replaced ? shapes.joined(separator: " -> ") : shapes.last ?? ""
      guard row.kind == .changed, let statistics = row.statistics else {
        table.add([row.name, row.kind.rawValue, shape, "", "", "", "", ""])
        continue
      }
      table.add([
        row.name, row.kind.rawValue, shape, Humanize.count(statistics.changed),
        "\(Humanize.percent(statistics.density)) %", "\(Float(statistics.largestChange))",
        Humanize.fixed(statistics.steps.mean, 1), "\(statistics.steps.largest)",
      ])
    }
    return table.text
  }

  private static func steps(_ steps: StepHistogram) -> String {
    let end = steps.counts.lastIndex { $0 > 0 } ?? 0
    let rows = (0...end).map { bin in
      ("2^\(bin)", steps.counts[bin])
    }
    return "steps between representable numbers, at least\n" + bars(rows)
  }

  private static func relative(_ statistics: ChangeStatistics) -> String {
    let limits = ChangeStatistics.relativeLimits
    var rows = [("below \(limits[0])", statistics.relative[0])]
    for (bin, limit) in limits.enumerated() {
      rows.append(("from \(limit)", statistics.relative[bin + 1]))
    }
    if statistics.fromZero > 0 { rows.append(("from zero", statistics.fromZero)) }
    if statistics.notFinite > 0 { rows.append(("not finite", statistics.notFinite)) }
    return "change relative to the weight\n" + bars(rows)
  }

  private static func bars(_ rows: [(label: String, count: Int)]) -> String {
    let largest = rows.map(\.count).max() ?? 1
    var table = Table(["", ">", ""])
    for row in rows {
      let length = (row.count * barWidth + largest - 1) / max(largest, 1)
      table.add([row.label, Humanize.count(row.count), String(repeating: "#", count: length)])
    }
    return String(table.text.drop { $0 != "\n" }.dropFirst())
  }
}
