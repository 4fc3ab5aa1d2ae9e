import CTKCore

extension ImportReport {
  /// The report for people: one line per tensor, aligned in columns.
  public var table: String {
    var rows = plan.used.map { step in
      [
        step.source.name, step.operation.rawValue, step.target.name,
        step.source.dtype == step.target.dtype
          ? step.target.dtype.rawValue
          : "\(step.source.dtype.rawValue) to \(step.target.dtype.rawValue)",
        step.target.shape.map(String.init).joined(separator: "x"),
      ]
    }
    rows += plan.aliases.map { [$0.source.name, $0.relation.rawValue, $0.target, "", ""] }
    rows += plan.skipped.map { [$0.name, "skip", $0.reason, "", ""] }
    rows += plan.missing.map { ["-", "missing", $0, "", ""] }
    return Self.aligned([["source", "operation", "target", "dtype", "shape"]] + rows)
      + findings.map { "note: \($0)\n" }.joined()
  }

  private static func aligned(_ rows: [[String]]) -> String {
    let columnCount = rows.map(\.count).max() ?? 0
    let widths = (0..<columnCount).map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      let cells = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }
      let line = cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }
}
