/// How the names of word labels mark entities: a position and a type, as in `B-PER`.
///
/// Positions are those of IOB1, IOB2, IOE and IOBES; `L` and `U` of BILOU count as `E` and `S`.
struct TagScheme {
  private enum Position: Character {
    case begin = "B"
    case inside = "I"
    case end = "E"
    case single = "S"
    case outside = "O"
  }

  private struct Tag: Equatable {
    let position: Position
    /// Number of the entity's type; -1 outside.
    let type: Int
  }

  /// An entity of one sentence.
  struct Entity: Hashable {
    let type: Int
    let words: Range<Int>
  }

  private let tags: [Tag]

  /// - Parameter names: labels by id.
  /// - Returns: nil when a label is neither `O` nor a position with a type.
  init?(_ names: [String]) {
    var types: [Substring: Int] = [:]
    var tags: [Tag] = []
    for name in names {
      guard let tag = Self.tag(name, &types) else { return nil }
      tags.append(tag)
    }
    if types.isEmpty { return nil }
    self.tags = tags
  }

  private static func tag(_ name: String, _ types: inout [Substring: Int]) -> Tag? {
    if name == "O" { return Tag(position: .outside, type: -1) }
    let parts = name.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty, let position = position(parts[0]) else {
      return nil
    }
    let type = types[parts[1], default: types.count]
    types[parts[1]] = type
    return Tag(position: position, type: type)
  }

  private static func position(_ text: Substring) -> Position? {
    switch text {
    case "L": .end
    case "U": .single
    case "O": nil
    default: text.count == 1 ? text.first.flatMap(Position.init(rawValue:)) : nil
    }
  }

  /// The class that stands for no entity; nil when there is none.
  var outside: Int? { tags.firstIndex { $0.position == .outside } }

  /// The entities of one sentence, as seqeval's default mode finds them: one begins where a
  /// position says so, where the type changes, or behind one that has ended, and ends before
  /// the next begins or at an end position.
  func entities(_ ids: [Int]) -> Set<Entity> {
    var found: Set<Entity> = []
    var previous = Tag(position: .outside, type: -1)
    var start = 0
    for (word, id) in ids.enumerated() {
      let tag = tags[id]
      if Self.ends(previous, before: tag) {
        found.insert(Entity(type: previous.type, words: start..<word))
      }
      if Self.begins(tag, after: previous) { start = word }
      previous = tag
    }
    if previous.position != .outside {
      found.insert(Entity(type: previous.type, words: start..<ids.count))
    }
    return found
  }

  private static func ends(_ tag: Tag, before next: Tag) -> Bool {
    switch tag.position {
    case .outside: false
    case .end, .single: true
    case .begin, .inside:
      next.position == .begin || next.position == .single || next.position == .outside
        || next.type != tag.type
    }
  }

  private static func begins(_ tag: Tag, after previous: Tag) -> Bool {
    switch tag.position {
    case .outside: false
    case .begin, .single: true
    case .inside, .end:
      previous.position == .end || previous.position == .single
        || previous.position == .outside || previous.type != tag.type
    }
  }
}
