import CTKCore
import CTKPatch

/// A patch as a table for people.
enum PatchText {
  static func table(_ report: PatchReport) -> String {
    var table = Table([
      "tensor", "kind", "codec", ">changed", ">of", ">index bits", ">bound", ">value bits",
    ])
    for row in report.rows {
      let changes = Double(max(row.entry.changes, 1))
      table.add([
        row.entry.name, row.entry.kind.rawValue, row.entry.codec.rawValue,
        Humanize.count(row.entry.changes), Humanize.count(row.unitCount),
        Humanize.fixed(8 * Double(row.indexByteCount) / changes, 2),
        Humanize.fixed(row.boundBits / changes, 2),
        Humanize.fixed(8 * Double(row.valueByteCount) / changes, 2),
      ])
    }
    return table.text + "\n\n" + summary(report)
  }

  /// The figures of the whole file.
  static func summary(_ report: PatchReport) -> String {
    let bits = 8 * Double(report.byteCount) / Double(max(report.changes, 1))
    return """
      changed      \(Humanize.count(report.changes)) weights in \(report.rows.count) tensors
      size         \(Humanize.bytes(report.byteCount)), \(Humanize.fixed(bits, 2)) bits per change
      base         \(report.header.baseFingerprint.hex)
      target       \(report.header.targetFingerprint.hex)
      """
  }
}
