import CTKCore

/// The merges of a byte-pair model in the forms that files give them.
enum MergeList {
  /// Reads `["a b", ...]` or `[["a", "b"], ...]`.
  static func read(_ model: JSONSection) throws(TextError) -> [(String, String)] {
    var merges: [(String, String)] = []
    for (position, value) in try model.array("merges").enumerated() {
      let name = "\(model.path("merges"))[\(position)]"
      switch value {
      case .string(let line):
        merges.append(try pair(line.utf8, name))
      case .array(let sides):
        guard sides.count == 2, let left = sides[0].stringValue, let right = sides[1].stringValue
        else { throw malformed(name) }
        merges.append((left, right))
      default: throw malformed(name)
      }
    }
    return merges
  }

  /// Reads a `merges.txt` file: one pair a line, after an optional version line.
  static func read(file path: String) throws(TextError) -> [(String, String)] {
    let bytes = try TextError.wrap { () throws(CoreError) in try readSmallFile(path) }
    var merges: [(String, String)] = []
    for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
      .enumerated()
    {
      let line = line.last == 0x0D ? line.dropLast() : line
      if line.isEmpty || line.starts(with: "#version".utf8) { continue }
      merges.append(try pair(line, "line \(number + 1)"))
    }
    return merges
  }

  private static func pair(
    _ line: some Collection<UInt8>, _ name: String
  ) throws(TextError) -> (String, String) {
    let sides = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard sides.count == 2, let left = String(validating: sides[0], as: UTF8.self),
      let right = String(validating: sides[1], as: UTF8.self)
    else { throw malformed(name) }
    return (left, right)
  }

  private static func malformed(_ name: String) -> TextError {
    TextError(.mergeInvalid, "'\(name)' is not a pair of tokens")
  }
}
