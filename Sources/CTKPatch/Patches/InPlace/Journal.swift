import CTKCore

/// Names and the description of a journal (`formats/journal.md`).
enum Journal {
  static let magic = Array("ctkjrnl1".utf8)
  static let stagedSuffix = ".ctk-staged"
  static let digestByteCount = 32
  /// Above what any description needs.
  static let descriptionLimit = 64 << 20

  /// A weights file whose pages are written in place.
  struct File: Equatable {
    let name: String
    let byteCount: Int
  }

  /// What a change of a model in place consists of, besides the words.
  struct Description: Equatable {
    /// Identities of the patches, each with whether it is reverted.
    let steps: [(digest: Digest, isReverted: Bool)]
    let source: Digest
    let result: Digest
    let files: [File]
    /// Files that a staged sibling takes the place of.
    let replaced: [String]
    let removed: [String]

    static func == (left: Description, right: Description) -> Bool { left.json == right.json }
  }
}

extension Journal.Description {
  /// Whether the journal's change is the one that a chain makes.
  func isChange(of chain: PatchChain) -> Bool {
    result == chain.fingerprints.last
      && steps.elementsEqual(chain.steps) {
        $0.digest == $1.patch.digest && $0.isReverted == ($1.direction == .revert)
      }
  }

  /// Files that the change touched beside the weights.
  var smallFiles: [String] {
    (replaced + removed).filter { !$0.hasSuffix(".safetensors") && $0 != ShardPlan.indexName }
  }

  var json: JSONValue {
    .object(
      JSONObject([
        "files": .array(
          files.map {
            .object(JSONObject(["bytes": .integer($0.byteCount), "name": .string($0.name)]))
          }),
        "patches": .array(
          steps.map {
            .object(
              JSONObject(["revert": .bool($0.isReverted), "sha256": .string($0.digest.hex)]))
          }),
        "removed": .array(removed.map { .string($0) }),
        "replaced": .array(replaced.map { .string($0) }),
        "result": .string(result.hex),
        "source": .string(source.hex),
      ]))
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "the description")
    source = try fields.digest("source")
    result = try fields.digest("result")
    replaced = try fields.names("replaced")
    removed = try fields.names("removed")
    files = try fields.objects("files") { (file) throws(HeaderFault) in
      Journal.File(name: try file.name("name"), byteCount: try file.count("bytes"))
    }
    steps = try fields.objects("patches") { (step) throws(HeaderFault) in
      guard let isReverted = step.take("revert")?.boolValue else {
        throw step.wrong("revert", "true or false")
      }
      return (try step.digest("sha256"), isReverted)
    }
    try fields.requireNoMore()
  }
}

extension HeaderFields {
  private mutating func elements(_ key: String) throws(HeaderFault) -> [JSONValue] {
    guard let elements = take(key)?.arrayValue else { throw wrong(key, "an array") }
    return elements
  }

  fileprivate mutating func objects<Element>(
    _ key: String, _ read: (inout HeaderFields) throws(HeaderFault) -> Element
  ) throws(HeaderFault) -> [Element] {
    var result: [Element] = []
    for element in try elements(key) {
      var fields = try HeaderFields(element, what: "an element of '\(key)'")
      result.append(try read(&fields))
      try fields.requireNoMore()
    }
    return result
  }

  fileprivate mutating func names(_ key: String) throws(HeaderFault) -> [String] {
    var result: [String] = []
    for element in try elements(key) {
      guard let name = element.stringValue, Self.isPlain(name) else {
        throw wrong(key, "a list of file names")
      }
      result.append(name)
    }
    return result
  }

  fileprivate mutating func name(_ key: String) throws(HeaderFault) -> String {
    let name = try string(key)
    guard Self.isPlain(name) else { throw wrong(key, "a file name") }
    return name
  }

  /// Whether a name stays inside its folder.
  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && !name.utf8.contains { $0 == 0x2F || $0 == 0 }
  }
}
