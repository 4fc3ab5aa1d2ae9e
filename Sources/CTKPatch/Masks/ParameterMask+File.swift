public import CTKCore
import CTKSafetensors

// MARK: Writing

extension ParameterMask {
  /// Writes the mask; equal masks give equal bytes, for one version of zlib.
  ///
  /// - Throws: `output.*`.
  public func write(to path: String, replacesExisting: Bool = false) throws(PatchError) {
    try write(to: path, replacesExisting: replacesExisting, blockShift: nil)
  }

  /// - Parameter blockShift: overrides the width of blocks; tests use small ones.
  package func write(
    to path: String, replacesExisting: Bool = false, blockShift: Int?
  ) throws(PatchError) {
    if !replacesExisting && Folder.fileExists(path) {
      throw PatchError(wrapping: Output.existsError(path))
    }
    var streams = try StreamCollector(beside: path)
    let encoder = PositionStreamEncoder(blockShift: blockShift)
    var rows: [JSONValue] = []
    for tensor in tensors {
      let stream = encoder.encode(tensor)
      try streams.add(MaskFormat.streamPrefix + tensor.name, stream.bytes)
      rows.append(MaskRow.json(tensor, stream.codec))
    }
    let metadata = metadata(payload: streams.payloadDigest, rows: rows)
    try streams.write(to: path, metadata: metadata, replacesExisting: replacesExisting)
  }

  private func metadata(payload: Digest, rows: [JSONValue]) -> [String: String] {
    let summary = JSONObject([
      "keep": .real(keep), "score": .string(score), "scored": .integer(scored),
      "selected": .integer(selected),
    ])
    return HeaderSeal.sealed([
      "base_fingerprint": baseFingerprint.hex,
      "digest": digest.hex,
      "format": MaskFormat.name,
      "payload_sha256": payload.hex,
      "provenance": provenance.json.compactText,
      "summary": JSONValue.object(summary).compactText,
      "tensors": JSONValue.array(rows).compactText,
      "version": MaskFormat.version,
    ])
  }
}

// MARK: Reading

extension ParameterMask {
  /// Reads and checks a mask file.
  ///
  /// - Throws: `mask.not-a-mask`, `mask.damaged`, `mask.unsupported`, and the
  ///   codes of `SafetensorsFile`.
  public init(path: String) throws(PatchError) {
    let container = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsFile(path: path)
    }
    let header: MaskHeader
    do throws(HeaderFault) {
      header = try MaskHeader(
        try SealedMetadata(
          container.metadata, format: MaskFormat.name, versions: [MaskFormat.version]))
    } catch {
      throw error.inMask(path)
    }
    guard container.tensors.map(\.name) == header.rows.map(\.streamName),
      try ContainerStreams(of: container).payloadDigest() == header.payloadDigest
    else {
      throw HeaderFault.damaged(
        "the streams are not those of the table, or do not match their digest"
      )
      .inMask(path)
    }
    var tensors: [MaskedTensor] = []
    for row in header.rows { tensors.append(try row.read(from: container)) }
    try self.init(
      tensors: tensors, baseFingerprint: header.baseFingerprint, scored: header.scored,
      keep: header.keep, score: header.score, provenance: header.provenance)
    guard selected == header.selected, digest == header.digest else {
      throw HeaderFault.damaged("the positions do not match the mask's digest").inMask(path)
    }
  }
}

/// Everything a mask file says about itself (`formats/mask.md` section 2).
private struct MaskHeader {
  let baseFingerprint: Digest
  let digest: Digest
  let payloadDigest: Digest
  let provenance: Provenance
  let keep: Double
  let score: String
  let scored: Int
  let selected: Int
  let rows: [MaskRow]

  init(_ metadata: consuming SealedMetadata) throws(HeaderFault) {
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
    var rows: [MaskRow] = []
    for element in try metadata.list("tensors") { rows.append(try MaskRow(json: element)) }
    try SealedMetadata.requireAscending(rows.map(\.name), in: "tensors")
    try metadata.requireNoMore()
    self.rows = rows
  }
}

extension HeaderFault {
  fileprivate func inMask(_ path: String) -> PatchError {
    switch self {
    case .foreign:
      PatchError(
        .notAMask, "this safetensors file is not a mask", path: path,
        hint: "give a file written by ctk mask")
    case .damaged(let what):
      PatchError(.maskDamaged, what, path: path, hint: "fetch the mask again")
    case .unsupported(let what):
      PatchError(.maskUnsupported, what, path: path, hint: "use a newer ctk")
    }
  }
}
