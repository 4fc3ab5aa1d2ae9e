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

  init(
    baseFingerprint: Digest, targetFingerprint: Digest, entries: [PatchEntry],
    files: [FileEntry], provenance: Provenance, payloadDigest: Digest
  ) {
    self.baseFingerprint = baseFingerprint
    self.targetFingerprint = targetFingerprint
    self.entries = entries
    self.files = files
    self.provenance = provenance
    self.payloadDigest = payloadDigest
  }

  /// The sealed metadata of the file.
  var metadata: [String: String] {
    HeaderSeal.sealed([
      "base_fingerprint": baseFingerprint.hex,
      "files": JSONValue.array(files.map(\.json)).compactText,
      "format": PatchFormat.name,
      "payload_sha256": payloadDigest.hex,
      "provenance": provenance.json.compactText,
      "target_fingerprint": targetFingerprint.hex,
      "tensors": JSONValue.array(entries.map(\.json)).compactText,
      "version": PatchFormat.version,
    ])
  }

  init(_ metadata: consuming SealedMetadata) throws(HeaderFault) {
    var metadata = metadata
    baseFingerprint = try metadata.digest("base_fingerprint")
    targetFingerprint = try metadata.digest("target_fingerprint")
    payloadDigest = try metadata.digest("payload_sha256")
    provenance = try Provenance(json: try metadata.json("provenance"))
    var entries: [PatchEntry] = []
    for element in try metadata.list("tensors") {
      entries.append(try PatchEntry(json: element))
    }
    var files: [FileEntry] = []
    for element in try metadata.list("files") { files.append(try FileEntry(json: element)) }
    try metadata.requireNoMore()
    try SealedMetadata.requireAscending(entries.map(\.name), in: "tensors")
    try SealedMetadata.requireAscending(files.map(\.name), in: "files")
    self.entries = entries
    self.files = files
  }

  /// Names of the streams the file must hold, in name order.
  var streamNames: [String] {
    // "file:" precedes "tensor:", so this is name order.
    files.map(\.streamName) + entries.map(\.streamName)
  }
}
