/// What the head must predict, one entry for each of its rows: sequences, or tokens of a
/// token head.
package enum Targets: Sendable {
  /// Class ids; a row with a negative one has no label and no loss.
  case classes([Int])
  /// Real scores.
  case scores([Float])

  package var count: Int {
    switch self {
    case .classes(let ids): ids.count
    case .scores(let values): values.count
    }
  }

  /// The id of a row without a label.
  package static let unlabelled = -1

  /// Rows that have a label.
  package var labelledRows: [Int] {
    switch self {
    case .classes(let ids): ids.indices.filter { ids[$0] >= 0 }
    case .scores(let values): Array(values.indices)
    }
  }

  package var labelledCount: Int { labelledRows.count }
}
