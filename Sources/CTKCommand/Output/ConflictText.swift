import CTKCore
import CTKPatch

/// How composed patches meet, as a table for people.
enum ConflictText {
  static func table(_ conflicts: [TensorConflict]) -> String {
    if conflicts.isEmpty { return "" }
    var table = Table([
      "tensor", ">overlap", ">by chance", ">same sign", ">largest difference", "settled",
    ])
    for conflict in conflicts {
      table.add([
        conflict.name, Humanize.count(conflict.overlap), Humanize.fixed(conflict.chance, 1),
        conflict.signAgreement.map { "\(Humanize.fixed(100 * $0, 1)) %" } ?? "-",
        conflict.largestDifference.map { "\(Float($0))" } ?? "-",
        conflict.settled.map(\.rawValue) ?? "",
      ])
    }
    return table.text + "\n\n"
  }
}
