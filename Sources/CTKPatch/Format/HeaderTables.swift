import CTKCore

/// The tables of a patch (`formats/patch.md` sections 4.3, 4.4, 4.8 and 4.9) or of a mask
/// (`formats/mask.md` section 2), with the rows of version 1 whatever the version is.
struct HeaderTables {
  static let streamName = "tables"
  static let digestKey = "tables_sha256"
  /// Shorter tables stay in the metadata, where every tool shows them.
  private static let shortestPacked = 4096
  /// What safetensors allows for its header.
  private static let byteLimit = 100_000_000

  private(set) var tensors: JSONValue
  private(set) var files: JSONValue
  /// Bytes of each stream, in name order; nil where they are not joined.
  var joinedByteCounts: [Int]?

  init(entries: [PatchEntry], files: [FileEntry]) {
    tensors = .array(entries.map(\.json))
    self.files = .array(files.map(\.json))
  }

  /// Tables of a mask, which has no files.
  init(ofMask rows: JSONValue) {
    tensors = rows
    files = .array([])
  }

  /// Tables that are metadata of their own.
  init(_ metadata: inout SealedMetadata) throws(HeaderFault) {
    tensors = try metadata.json("tensors")
    files = try metadata.json("files")
  }

  var tensorRows: [JSONValue] {
    get throws(HeaderFault) { try Self.elements(tensors, of: "tensors") }
  }

  var fileRows: [JSONValue] {
    get throws(HeaderFault) { try Self.elements(files, of: "files") }
  }

  private static func elements(
    _ table: JSONValue, of name: String
  ) throws(HeaderFault) -> [JSONValue] {
    guard let elements = table.arrayValue else { throw .damaged("'\(name)' is not an array") }
    return elements
  }

  /// Canonical JSON of both.
  var text: String {
    JSONValue.object(JSONObject(["files": files, "tensors": tensors])).compactText
  }

  /// Whether they are to be a stream.
  var areLong: Bool { text.utf8.count >= Self.shortestPacked }

  /// Changes every row, in name order of the rows' streams.
  mutating func mapRows<Failure: Error>(
    _ change: (inout JSONObject) throws(Failure) -> Void
  ) throws(Failure) {
    files = try Self.rows(files, change)
    tensors = try Self.rows(tensors, change)
  }

  private static func rows<Failure: Error>(
    _ table: JSONValue, _ change: (inout JSONObject) throws(Failure) -> Void
  ) throws(Failure) -> JSONValue {
    guard let elements = table.arrayValue else { return table }
    var rows: [JSONValue] = []
    for element in elements {
      guard var row = element.objectValue else { return table }
      try change(&row)
      rows.append(.object(row))
    }
    return .array(rows)
  }

  /// Reads the stream `tables`, if there is one, whose digest is metadata.
  init(
    packed stream: [UInt8]?, _ metadata: inout SealedMetadata, areJoined: Bool
  ) throws(HeaderFault) {
    guard let stream else { throw .damaged("there is no stream of tables") }
    guard Digest.of(stream) == (try metadata.digest(Self.digestKey)) else {
      throw .damaged("the tables do not match their digest")
    }
    var (fields, rest): (HeaderFields, ArraySlice<UInt8>)
    do {
      let unpacked = try Self.unpacked(stream)
      fields = try HeaderFields(try JSONParser.parse(unpacked.text), what: "'tables'")
      rest = unpacked.rest
    } catch let fault as HeaderFault {
      throw fault
    } catch {
      throw .damaged("the tables cannot be read: \(error)")
    }
    guard let tensors = fields.take("tensors"), let files = fields.take("files") else {
      throw .damaged("a table is missing")
    }
    try fields.requireNoMore()
    (self.tensors, self.files) = (tensors, files)
    if areJoined { try restore(&rest) }
    guard rest.isEmpty else { throw .damaged("bytes follow the tables") }
  }

  /// The text of the tables, and the bytes that follow it.
  private static func unpacked(
    _ stream: [UInt8]
  ) throws -> (text: [UInt8], rest: ArraySlice<UInt8>) {
    try stream.withUnsafeBytes { bytes in
      var cursor = ByteCursor(bytes)
      let count = try cursor.varint()
      guard count <= byteLimit else { throw HeaderFault.damaged("tables of \(count) bytes") }
      let text = try Part.decode(&cursor, count: count)
      return (text, stream[cursor.position...])
    }
  }
}
