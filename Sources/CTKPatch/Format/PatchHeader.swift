public import CTKCore

/// Everything a patch says about itself (`formats/patch.md` section 4).
public struct PatchHeader: Sendable {
  public let baseFingerprint: Digest
  public let targetFingerprint: Digest
  /// Tensors that differ, in name order.
  public let entries: [PatchEntry]
  /// Small files that differ, in name order.
  public let files: [FileEntry]
  public let provenance: Provenance
  public let payloadDigest: Digest
  /// Content digest of the mask that positions are taken from; nil when there is none.
  public let maskDigest: Digest?
  /// How the target was rounded; nil when it was not.
  public let rounding: RoundingRecord?
  let version: PatchVersion
  /// Bytes of each stream, in name order; nil where they are not joined.
  let joinedByteCounts: [Int]?

  init(
    baseFingerprint: Digest, targetFingerprint: Digest, entries: [PatchEntry],
    files: [FileEntry], provenance: Provenance, payloadDigest: Digest,
    maskDigest: Digest? = nil, rounding: RoundingRecord? = nil, joinedByteCounts: [Int]? = nil
  ) {
    self.baseFingerprint = baseFingerprint
    self.targetFingerprint = targetFingerprint
    self.entries = entries
    self.files = files
    self.provenance = provenance
    self.payloadDigest = payloadDigest
    self.maskDigest = maskDigest
    self.rounding = rounding
    version = joinedByteCounts == nil ? .plain : .joined
    self.joinedByteCounts = joinedByteCounts
  }

  /// The sealed metadata of the file.
  ///
  /// - Parameter tables: the stream that holds the tables; nil to write them as metadata.
  func metadata(tables: [UInt8]?) -> [String: String] {
    var values = [
      "base_fingerprint": baseFingerprint.hex,
      "format": PatchFormat.name,
      "payload_sha256": payloadDigest.hex,
      "provenance": provenance.json.compactText,
      "target_fingerprint": targetFingerprint.hex,
      "version": version.rawValue,
    ]
    if let tables {
      values[HeaderTables.digestKey] = Digest.of(tables).hex
    } else {
      let tables = HeaderTables(entries: entries, files: files)
      values["files"] = tables.files.compactText
      values["tensors"] = tables.tensors.compactText
    }
    values["mask_digest"] = maskDigest?.hex
    values["rounding"] = rounding.map { JSONValue.object($0.json).compactText }
    return HeaderSeal.sealed(values)
  }

  /// - Parameter tables: the stream `tables`; nil when the file has none.
  init(_ metadata: consuming SealedMetadata, tables packed: [UInt8]?) throws(HeaderFault) {
    var metadata = metadata
    baseFingerprint = try metadata.digest("base_fingerprint")
    targetFingerprint = try metadata.digest("target_fingerprint")
    payloadDigest = try metadata.digest("payload_sha256")
    provenance = try Provenance(json: try metadata.json("provenance"))
    maskDigest = metadata.has("mask_digest") ? try metadata.digest("mask_digest") : nil
    rounding =
      metadata.has("rounding") ? try RoundingRecord(json: try metadata.json("rounding")) : nil
    version = PatchVersion(rawValue: metadata.version) ?? .plain
    let tables =
      version == .plain
      ? try HeaderTables(&metadata)
      : try HeaderTables(packed: packed, &metadata, areJoined: version == .joined)
    joinedByteCounts = tables.joinedByteCounts
    var entries: [PatchEntry] = []
    for element in try tables.tensorRows { entries.append(try PatchEntry(json: element)) }
    var files: [FileEntry] = []
    for element in try tables.fileRows { files.append(try FileEntry(json: element)) }
    try metadata.requireNoMore()
    try SealedMetadata.requireAscending(entries.map(\.name), in: "tensors")
    try SealedMetadata.requireAscending(files.map(\.name), in: "files")
    // Some file systems take canonically equivalent names for one.
    if Set(files.map(\.name)).count != files.count { throw .damaged("'files' repeats a name") }
    try Self.requireOriginals(entries)
    self.entries = entries
    self.files = files
  }

  /// Checks that every alias is equal to what it names, as far as the table tells.
  private static func requireOriginals(_ entries: [PatchEntry]) throws(HeaderFault) {
    let table = Dictionary(uniqueKeysWithValues: entries.map { (UTF8Key($0.name), $0) })
    for entry in entries {
      guard let name = entry.original else { continue }
      let isEqual =
        if let original = table[UTF8Key(name)] {
          original.kind != .alias
            && entry.sides.allSatisfy { side, state in
              original.state(side).map { state.hasContent(of: $0) } ?? false
            }
        } else {
          // A tensor that stays as it is can be met on one side only.
          entry.sides.count == 1 && UTF8Key(name) != UTF8Key(entry.name)
        }
      if !isEqual { throw .damaged("tensor '\(entry.name)' cannot be an alias of '\(name)'") }
    }
  }

  /// Names of the streams that the payload's digest covers, in name order.
  var streamNames: [String] {
    // "file:" precedes "tables", which precedes "tensor:": this is name order.
    files.map(\.streamName) + (version == .packed ? [HeaderTables.streamName] : [])
      + entries.compactMap(\.streamName)
  }
}
