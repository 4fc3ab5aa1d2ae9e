import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Testing

/// A file of joined streams in its parts, to be put together again under new seals.
struct JoinedParts {
  var payload: [UInt8]
  var text: String
  var digests: [UInt8]
  var metadata: [String: String]
  var more = TensorCollection()
  /// Bytes that the tables say their text has, beyond those that it has.
  var excess = 0

  init(_ path: String) throws {
    let file = try SafetensorsFile(path: path)
    payload = try file.withTensorBytes("payload") { Array($0) }
    metadata = file.metadata
    let tables = try file.withTensorBytes("tables") { Array($0) }
    (text, digests) = try tables.withUnsafeBytes { bytes in
      var cursor = ByteCursor(bytes)
      let count = try cursor.varint()
      let text = try Part.decode(&cursor, count: count)
      return (String(decoding: text, as: UTF8.self), Array(bytes[cursor.position...]))
    }
  }

  var tables: [UInt8] {
    var tables: [UInt8] = []
    tables.appendVarint(text.utf8.count + excess)
    Array(text.utf8).withUnsafeBufferPointer {
      Part.encode($0, content: .index, to: &tables)
    }
    return tables + digests
  }

  /// What `payload_sha256` is to be; nil where the text does not divide the payload.
  private var payloadDigest: Digest? {
    guard let tables = try? JSONParser.parse(Array(text.utf8)) else { return nil }
    var streams: [(name: String, digest: Digest)] = []
    var rest = payload[...]
    for (prefix, table) in [("file:", "files"), ("tensor:", "tensors")] {
      for row in tables[table]?.arrayValue ?? [] where row["kind"] != "alias" {
        guard let name = row["name"]?.stringValue, let count = row["bytes"]?.intValue,
          (0...rest.count).contains(count)
        else { return nil }
        streams.append((prefix + name, .of(Array(rest.prefix(count)))))
        rest = rest.dropFirst(count)
      }
    }
    return Fingerprint.checkpoint(streams)
  }

  mutating func replace(_ old: String, _ new: String) {
    #expect(text.contains(old), "\(old)")
    text = text.replacing(old, with: new, maxReplacements: 1)
  }

  func write(to path: String) throws {
    var streams = more
    var metadata = metadata
    if let payloadDigest { metadata["payload_sha256"] = payloadDigest.hex }
    if streams.info(of: "payload") == nil {
      try streams.set("payload", dtype: .u8, shape: [payload.count], bytes: payload)
    }
    if metadata["tables_sha256"] != nil {
      try streams.set("tables", dtype: .u8, shape: [tables.count], bytes: tables)
      metadata["tables_sha256"] = Digest.of(tables).hex
    }
    try Checkpoints.write(streams, to: path, metadata: HeaderSeal.sealed(metadata))
  }
}
