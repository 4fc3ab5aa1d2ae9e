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
    rows += plan.filled.map { filled in
      [
        "-", "zeros", filled.target.name, filled.target.dtype.rawValue,
        filled.target.shape.map(String.init).joined(separator: "x"),
      ]
    }
    rows += plan.missing.map { ["-", "missing", $0, "", ""] }
    return Self.aligned([["source", "operation", "target", "dtype", "shape"]] + rows) + notes
  }

  /// The report in a few lines: counts, what is missing, and everything odd.
  public var summary: String {
    let skippedNames = plan.skipped.isEmpty ? "" : Self.names(plan.skipped.map(\.name))
    let missingNames = plan.missing.isEmpty ? "" : Self.names(plan.missing)
    return """
      architecture  \(plan.architecture.rawValue), named as in \(plan.layout.rawValue)
      tensors       \(plan.used.count) used, \(plan.aliases.count) aliases
      skipped       \(plan.skipped.count)\(skippedNames)
      \(skippedReasons)missing       \(plan.missing.count)\(missingNames)
      tokenizer     \(tokenizerFiles.isEmpty ? "none" : tokenizerFiles.joined(separator: ", "))
      fingerprint   \(fingerprint?.hex ?? "none, nothing was written")

      """ + notes
  }

  /// How many tensors were skipped for each reason, a line each.
  private var skippedReasons: String {
    plan.skippedCounts.map { reason, count in "              \(count) \(reason)\n" }.joined()
  }

  private var notes: String {
    let values = notFinite.map {
      "'\($0.source)' holds \($0.nan) NaN and \($0.infinite) infinite values"
    }
    let casts = overflows.map { "\($0.count) values of '\($0.target)' became infinite" }
    return (findings + values + casts).map { "note: \($0)\n" }.joined()
  }

  /// As many names as a line takes.
  private static func names(_ names: [String]) -> String {
    let shown = names.prefix(3).joined(separator: ", ")
    return names.count <= 3 ? " (\(shown))" : " (\(shown) and \(names.count - 3) more)"
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
