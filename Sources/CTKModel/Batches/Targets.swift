/// What the head must predict, one entry for each sequence.
package enum Targets: Sendable {
  /// Class ids.
  case classes([Int])
  /// Real scores.
  case scores([Float])

  package var count: Int {
    switch self {
    case .classes(let ids): ids.count
    case .scores(let values): values.count
    }
  }
}
