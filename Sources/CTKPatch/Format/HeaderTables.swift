import CTKCore

/// The tables of a patch as they are stored (`formats/patch.md` sections 4.3, 4.4 and 4.8).
struct HeaderTables {
  static let streamName = "tables"
  static let digestKey = "tables_sha256"
  /// Shorter tables stay in the metadata, where every tool shows them.
  private static let shortestPacked = 4096
  /// What safetensors allows for its header.
  private static let byteLimit = 100_000_000

  let tensors: JSONValue
  let files: JSONValue

  init(entries: [PatchEntry], files: [FileEntry]) {
    tensors = .array(entries.map(\.json))
    self.files = .array(files.map(\.json))
  }

  /// Tables that are metadata of their own.
  init(_ metadata: inout SealedMetadata) throws(HeaderFault) {
    tensors = try metadata.json("tensors")
    files = try metadata.json("files")
  }

  /// The tables as the stream `tables`; nil when they are short.
  func packed() -> [UInt8]? {
    let text = Array(
      JSONValue.object(JSONObject(["files": files, "tensors": tensors])).compactText.utf8)
    if text.count < Self.shortestPacked { return nil }
    var stream: [UInt8] = []
    stream.appendVarint(text.count)
    text.withUnsafeBufferPointer { Part.encode($0, content: .index, to: &stream) }
    return stream
  }

  /// Reads the stream `tables`.
  init(packed stream: [UInt8], digest: Digest) throws(HeaderFault) {
    guard Digest.of(stream) == digest else {
      throw .damaged("the tables do not match their digest")
    }
    var fields: HeaderFields
    do {
      fields = try HeaderFields(
        try JSONParser.parse(try Self.unpacked(stream)), what: "'tables'")
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
  }

  private static func unpacked(_ stream: [UInt8]) throws -> [UInt8] {
    try stream.withUnsafeBytes { bytes in
      var cursor = ByteCursor(bytes)
      let count = try cursor.varint()
      guard count <= byteLimit else { throw HeaderFault.damaged("tables of \(count) bytes") }
      let text = try Part.decode(&cursor, count: count)
      guard cursor.isAtEnd else { throw HeaderFault.damaged("bytes follow the tables") }
      return text
    }
  }
}
