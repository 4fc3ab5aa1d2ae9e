public import CTKCore

/// A small file of a checkpoint folder that differs between base and target.
public struct ChangedFile: Sendable {
  /// Name inside the folder, as `config.json`.
  public let name: String
  /// Contents in the base; nil when it has no such file.
  public let before: [UInt8]?
  /// Contents in the target; nil when it has no such file.
  public let after: [UInt8]?

  public init(name: String, before: [UInt8]?, after: [UInt8]?) {
    self.name = name
    self.before = before
    self.after = after
  }
}

/// One row of a patch's file table (`formats/patch.md` section 4.4).
public struct FileEntry: Sendable {
  public struct Side: Sendable, Hashable {
    public let byteCount: Int
    public let digest: Digest
  }

  public let name: String
  public let before: Side?
  public let after: Side?

  var streamName: String { PatchFormat.fileStreamPrefix + name }

  init(_ file: ChangedFile) {
    name = file.name
    before = file.before.map { Side(byteCount: $0.count, digest: .of($0)) }
    after = file.after.map { Side(byteCount: $0.count, digest: .of($0)) }
  }

  /// Whether a name stays inside the folder and is not that of weights.
  static func isAllowed(_ name: String) -> Bool {
    let units = Array(name.utf8)
    return (1...255).contains(units.count)
      && !units.contains { $0 < 0x20 || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
      && units[0] != UInt8(ascii: ".")
      && !name.hasSuffix(".safetensors") && !name.hasSuffix(".safetensors.index.json")
  }
}

// MARK: Metadata

extension FileEntry {
  var json: JSONValue {
    var object = JSONObject(["name": .string(name)])
    object["before"] = before.map(Self.json)
    object["after"] = after.map(Self.json)
    return .object(object)
  }

  private static func json(_ side: Side) -> JSONValue {
    .object(
      JSONObject(["bytes": .integer(side.byteCount), "sha256": .string(side.digest.hex)]))
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "an entry of 'files'")
    name = try fields.string("name")
    guard Self.isAllowed(name) else { throw .damaged("the file name '\(name)' is not allowed") }
    before = try Self.side(fields.take("before"))
    after = try Self.side(fields.take("after"))
    try fields.requireNoMore()
    if before == nil && after == nil { throw .damaged("file '\(name)' has no contents") }
  }

  private static func side(_ json: JSONValue?) throws(HeaderFault) -> Side? {
    guard let json else { return nil }
    var fields = try HeaderFields(json, what: "a side of a file")
    let side = Side(byteCount: try fields.count("bytes"), digest: try fields.digest("sha256"))
    try fields.requireNoMore()
    guard side.byteCount <= PatchFormat.fileByteLimit else {
      throw .damaged("a file of \(side.byteCount) bytes")
    }
    return side
  }
}
