/// What a normalizer does to one scalar.
struct ScalarEffect {
  enum Kind: UInt32 {
    /// Stays, as itself or as the payload scalar.
    case kept
    case removed
    case space
    /// Stays, as itself or as the payload scalar, between two spaces.
    case spaced
    /// Becomes the several scalars at the payload's place in the list of expansions.
    case expanded
    /// Stays, ordered by the payload, its canonical combining class.
    case combining
    case hangulSyllable
  }

  private static let payloadBits = 21
  let bits: UInt32

  init(bits: UInt32) { self.bits = bits }

  init(_ kind: Kind, payload: UInt32 = 0) {
    bits = kind.rawValue << Self.payloadBits | payload
  }

  @inline(__always)
  var kind: Kind { Kind(rawValue: bits >> Self.payloadBits) ?? .kept }
  @inline(__always)
  var payload: UInt32 { bits & (1 << Self.payloadBits - 1) }

  /// The scalar that stays of `scalar`.
  @inline(__always)
  func scalar(of scalar: UInt32) -> UInt32 { payload == 0 ? scalar : payload }
}

/// The effects of one choice of normalizer options on every scalar.
struct ScalarEffects: Sendable {
  private let map: ScalarMap
  /// Count, then the scalars of each expansion.
  private let expansions: [UInt32]

  init(_ options: BertNormalizer.Options) {
    var builder = ScalarEffectsBuilder()
    if options.lowercases { builder.addLowercasing() }
    if options.stripsAccents {
      builder.addAccentStripping()
    } else if options.lowercases {
      builder.addLowercaseExpansion()
    }
    if options.spacesIdeographs { builder.addIdeographSpacing() }
    if options.cleansText { builder.addCleaning() }
    map = ScalarMap(builder.map)
    expansions = builder.expansions
  }

  @inline(__always)
  subscript(scalar: UInt32) -> ScalarEffect { ScalarEffect(bits: map[scalar]) }

  func expansion(_ effect: ScalarEffect) -> ArraySlice<UInt32> {
    let start = Int(effect.payload)
    return expansions[start + 1...start + Int(expansions[start])]
  }
}

/// Adds up effects; each later step sees or overrides the earlier ones.
private struct ScalarEffectsBuilder {
  var map = ScalarMapBuilder()
  var expansions: [UInt32] = []

  mutating func addLowercasing() {
    let rows = LowercaseRanges.deltas
    for row in stride(from: 0, to: rows.count, by: 4) {
      for scalar in stride(from: rows[row], through: rows[row + 1], by: Int(rows[row + 2])) {
        let small = UInt32(bitPattern: scalar + rows[row + 3])
        map[UInt32(bitPattern: scalar)] = ScalarEffect(.kept, payload: small).bits
      }
    }
  }

  /// Capital I with a dot is the one letter whose small form is two scalars.
  mutating func addLowercaseExpansion() { expand(0x130, to: [0x69, 0x307]) }

  mutating func addAccentStripping() {
    map.fill(pairs: AccentTables.removed, with: ScalarEffect(.removed).bits)
    for pair in AccentTables.letters { fold(pair >> 16, to: pair & 0xFFFF) }
    let wide = AccentTables.wideLetters
    for row in stride(from: 0, to: wide.count, by: 2) { fold(wide[row], to: wide[row + 1]) }
    for (ideograph, form) in IdeographTables.canonicalForms { fold(ideograph, to: form) }
    addExpansions()
    map.fill(Hangul.syllables, with: ScalarEffect(.hangulSyllable).bits)
    let classes = AccentTables.combiningClasses
    for row in stride(from: 0, to: classes.count, by: 3) {
      map.fill(
        classes[row]...classes[row + 1],
        with: ScalarEffect(.combining, payload: classes[row + 2]).bits)
    }
  }

  private mutating func addExpansions() {
    var rows = AccentTables.expansions[...]
    while let scalar = rows.popFirst(), let count = rows.popFirst() {
      expand(scalar, to: rows.prefix(Int(count)).map { lowercase($0) })
      rows = rows.dropFirst(Int(count))
    }
  }

  mutating func addIdeographSpacing() {
    let unspaced = map
    map.fill(pairs: ScalarClassRanges.ideographs, with: ScalarEffect(.spaced).bits)
    for (ideograph, _) in IdeographTables.canonicalForms {
      let form = ScalarEffect(bits: unspaced[ideograph]).payload
      map[ideograph] = ScalarEffect(.spaced, payload: form).bits
    }
  }

  mutating func addCleaning() {
    map.fill(pairs: ScalarClassRanges.spaces, with: ScalarEffect(.space).bits)
    map.fill(pairs: ScalarClassRanges.dropped, with: ScalarEffect(.removed).bits)
  }

  private mutating func fold(_ scalar: UInt32, to base: UInt32) {
    map[scalar] = ScalarEffect(.kept, payload: lowercase(base)).bits
  }

  private mutating func expand(_ scalar: UInt32, to parts: [UInt32]) {
    map[scalar] = ScalarEffect(.expanded, payload: UInt32(expansions.count)).bits
    expansions.append(UInt32(parts.count))
    expansions += parts
  }

  /// The small form of what decomposition leaves, which is never decomposed again itself.
  private func lowercase(_ scalar: UInt32) -> UInt32 {
    let effect = ScalarEffect(bits: map[scalar])
    return effect.kind == .kept ? effect.scalar(of: scalar) : scalar
  }
}
