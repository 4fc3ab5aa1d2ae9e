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

  package func isLabelled(_ row: Int) -> Bool {
    switch self {
    case .classes(let ids): ids[row] >= 0
    case .scores: true
    }
  }

  /// Rows that have a label.
  package var labelledCount: Int { (0..<count).count { isLabelled($0) } }
}
