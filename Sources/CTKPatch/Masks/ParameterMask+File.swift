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

  /// - Parameters:
  ///   - blockShift: overrides the width of blocks; tests use small ones.
  ///   - joinsStreams: overrides whether streams are joined; tests join those of small
  ///     masks.
  package func write(
    to path: String, replacesExisting: Bool = false, blockShift: Int?, joinsStreams: Bool? = nil
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
    let tables = HeaderTables(ofMask: .array(rows))
    let joined = tables.joined(byteCounts: streams.byteCounts, joinsStreams: joinsStreams)
    try streams.write(
      to: path, metadata: metadata(streams.payloadDigest, tables, joined: joined),
      joiningWith: joined, replacesExisting: replacesExisting)
  }

  private func metadata(
    _ payload: Digest, _ tables: HeaderTables, joined: [UInt8]?
  ) -> [String: String] {
    let summary = JSONObject([
      "keep": .real(keep), "score": .string(score), "scored": .integer(scored),
      "selected": .integer(selected),
    ])
    var values = [
      "base_fingerprint": baseFingerprint.hex,
      "digest": digest.hex,
      "format": MaskFormat.name,
      "payload_sha256": payload.hex,
      "provenance": provenance.json.compactText,
      "summary": JSONValue.object(summary).compactText,
      "version": (joined == nil ? MaskVersion.plain : .joined).rawValue,
    ]
    if let joined {
      values[HeaderTables.digestKey] = Digest.of(joined).hex
    } else {
      values["tensors"] = tables.tensors.compactText
    }
    return HeaderSeal.sealed(values)
  }
}

// MARK: Reading

extension ParameterMask {
  /// Reads and checks a mask file.
  ///
  /// - Throws: `mask.not-a-mask`, `mask.damaged`, `mask.unsupported`, and the
  ///   codes of `SafetensorsFile`.
  public init(path: String) throws(PatchError) {
    try self.init(
      PatchError.wrap { () throws(SafetensorsError) in try SafetensorsFile(path: path) })
  }

  /// - Throws: the codes of masks.
  init(_ container: SafetensorsFile) throws(PatchError) {
    let path = container.path
    let tables = try ContainerStreams.tables(in: container)
    let (header, streams): (MaskHeader, ContainerStreams)
    do throws(HeaderFault) {
      let metadata = try SealedMetadata(
        container.metadata, format: MaskFormat.name,
        versions: MaskVersion.allCases.map(\.rawValue))
      header = try MaskHeader(metadata, tables: tables)
      streams = try ContainerStreams(
        of: container, named: header.rows.map(\.streamName),
        joinedByteCounts: header.joinedByteCounts)
    } catch {
      throw error.inMask(path)
    }
    guard try streams.payloadDigest() == header.payloadDigest else {
      throw HeaderFault.damaged("the streams do not match their digest").inMask(path)
    }
    var tensors: [MaskedTensor] = []
    for row in header.rows { tensors.append(try row.read(from: streams, path: path)) }
    try self.init(
      tensors: tensors, baseFingerprint: header.baseFingerprint, scored: header.scored,
      keep: header.keep, score: header.score, provenance: header.provenance)
    guard selected == header.selected, digest == header.digest else {
      throw HeaderFault.damaged("the positions do not match the mask's digest").inMask(path)
    }
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
