import CTKCore
import CTKPatch

/// A patch as a table for people.
enum PatchText {
  static func table(_ report: PatchReport, _ steps: PatchSteps) -> String {
    var table = Table([
      "tensor", "kind", "codec", ">changed", ">of", ">density", ">index bits", ">bound",
      ">value bits", ">bound", ">mean steps", ">largest",
    ])
    for row in report.rows {
      let changes = Double(max(row.entry.changes, 1))
      table.add([
        row.entry.name, row.entry.kind.rawValue, row.entry.codec.rawValue,
        Humanize.count(row.entry.changes), Humanize.count(row.unitCount),
        "\(Humanize.percent(Double(row.entry.changes) / Double(max(row.unitCount, 1)))) %",
        Humanize.fixed(8 * Double(row.indexByteCount) / changes, 2),
        Humanize.fixed(row.boundBits / changes, 2),
        Humanize.fixed(8 * Double(row.valueByteCount) / changes, 2),
        steps[row.entry.name].map { Humanize.fixed($0.boundBits / changes, 2) } ?? "",
        steps[row.entry.name].map { Humanize.fixed($0.mean, 1) } ?? "",
        steps[row.entry.name].map { "\($0.largest)" } ?? "",
      ])
    }
    return table.text + "\n\n" + summary(report)
  }

  /// The figures of the whole file.
  static func summary(_ report: PatchReport) -> String {
    let bits = 8 * Double(report.byteCount) / Double(max(report.changes, 1))
    let rounding = report.header.rounding.map { record in
      """

      rounding     \(record.rounding.rawValue), worst error \(record.error.worst), \
      mean \(record.error.mean)
      """
    }
    return """
      changed      \(Humanize.count(report.changes)) weights in \(report.rows.count) tensors
      size         \(Humanize.bytes(report.byteCount)), \(Humanize.fixed(bits, 2)) bits per change
      base         \(report.header.baseFingerprint.hex)
      target       \(report.header.targetFingerprint.hex)
      """ + (rounding ?? "")
  }
}
