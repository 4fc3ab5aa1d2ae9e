/// Decompositions of every scalar into its last parts, as the fast tokenizers know them.
struct Decompositions: Sendable {
  static let canonical = Decompositions([Row.all(CanonicalTable.rows)])
  static let compatible = Decompositions([
    Row.all(CanonicalTable.rows), Row.all(CompatibilityTable.rows),
  ])

  /// Place in `parts` plus one; 0 for a scalar that stays.
  private let places: ScalarMap
  /// The count, then the parts of each decomposition.
  private let parts: FrozenTable<UInt32>

  private init(_ tables: [[Row]]) {
    var builder = ScalarMapBuilder()
    var parts: [UInt32] = []
    for row in tables.joined() {
      builder[row.scalar] = UInt32(parts.count + 1)
      parts.append(UInt32(row.parts.count))
      parts += row.parts
    }
    places = ScalarMap(builder)
    self.parts = FrozenTable(parts)
  }

  func decomposes(_ scalar: UInt32) -> Bool {
    places[scalar] != 0 || Hangul.syllables.contains(scalar)
  }

  /// Gives the parts of a scalar, or the scalar itself.
  func forEachPart(of scalar: UInt32, _ receive: (UInt32) -> Void) {
    if Hangul.syllables.contains(scalar) { return Hangul.decompose(scalar, receive) }
    let place = Int(places[scalar])
    if place == 0 { return receive(scalar) }
    for offset in 0..<Int(parts.base[place - 1]) { receive(parts.base[place + offset]) }
  }
}

extension Decompositions {
  /// One scalar's decomposition.
  struct Row {
    let scalar: UInt32
    let parts: [UInt32]
    /// Whether canonical composition leads back to the scalar.
    let composes: Bool

    /// Unpacks a generated table.
    static func all(_ table: StaticString) -> [Row] {
      var numbers = PackedNumbers(table)
      var rows: [Row] = []
      var scalar: UInt32 = 0
      var part: Int32 = 0
      while let distance = numbers.next(), let head = numbers.next() {
        scalar += distance
        let parts = (0..<head / 2).map { _ in
          let zigzag = numbers.next() ?? 0
          part += zigzag % 2 == 0 ? Int32(zigzag / 2) : -Int32(zigzag / 2) - 1
          return UInt32(bitPattern: part)
        }
        rows.append(Row(scalar: scalar, parts: parts, composes: head % 2 == 1))
      }
      return rows
    }
  }
}

/// Numbers of seven bits a byte, in base64.
private struct PackedNumbers {
  private let bytes: [UInt8]
  private var position = 0

  init(_ table: StaticString) {
    bytes = table.withUTF8Buffer { Base64.decode(Array($0)) ?? [] }
  }

  mutating func next() -> UInt32? {
    var number: UInt32 = 0
    var shift: UInt32 = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      number |= UInt32(byte & 0x7F) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    return nil
  }
}
