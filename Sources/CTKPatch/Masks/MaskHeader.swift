import CTKCore

/// Everything a mask file says about itself (`formats/mask.md` section 2).
struct MaskHeader {
  let baseFingerprint: Digest
  let digest: Digest
  let payloadDigest: Digest
  let provenance: Provenance
  let keep: Double
  let score: String
  let scored: Int
  let selected: Int
  let rows: [MaskRow]
  /// Bytes of each stream, in name order; nil where they are not joined.
  let joinedByteCounts: [Int]?

  /// - Parameter tables: the stream `tables`; nil when the file has none.
  init(_ metadata: consuming SealedMetadata, tables packed: [UInt8]?) throws(HeaderFault) {
    var metadata = metadata
    baseFingerprint = try metadata.digest("base_fingerprint")
    digest = try metadata.digest("digest")
    payloadDigest = try metadata.digest("payload_sha256")
    provenance = try Provenance(json: try metadata.json("provenance"))
    var summary = try HeaderFields(try metadata.json("summary"), what: "'summary'")
    keep = try summary.optional("keep", "a number", \.doubleValue) ?? 0
    score = try summary.string("score")
    scored = try summary.count("scored")
    selected = try summary.count("selected")
    try summary.requireNoMore()
    let tables =
      metadata.version == MaskVersion.joined.rawValue
      ? try HeaderTables(packed: packed, &metadata, areJoined: true)
      : HeaderTables(ofMask: try metadata.json("tensors"))
    joinedByteCounts = tables.joinedByteCounts
    guard try tables.fileRows.isEmpty else { throw .damaged("a mask has no files") }
    var rows: [MaskRow] = []
    for element in try tables.tensorRows { rows.append(try MaskRow(json: element)) }
    try SealedMetadata.requireAscending(rows.map(\.name), in: "tensors")
    try metadata.requireNoMore()
    self.rows = rows
  }
}
