/// Canonical compositions of two scalars.
struct Compositions: Sendable {
  static let all = Compositions()

  private let composites: [UInt64: UInt32]

  /// The last part of a decomposition joins with the composite of the parts before it.
  private init() {
    let rows = Decompositions.Row.all(CanonicalTable.rows).filter(\.composes)
    let byParts = Dictionary(
      rows.map { ($0.parts, $0.scalar) }, uniquingKeysWith: { first, _ in first })
    var composites: [UInt64: UInt32] = [:]
    for row in rows {
      guard let last = row.parts.last, row.parts.count > 1 else { continue }
      let before = Array(row.parts.dropLast())
      guard let first = before.count == 1 ? before[0] : byParts[before] else { continue }
      composites[Self.pair(first, last)] = row.scalar
    }
    self.composites = composites
  }

  func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
    Hangul.compose(first, second) ?? composites[Self.pair(first, second)]
  }

  private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 {
    UInt64(first) << 32 | UInt64(second)
  }
}
