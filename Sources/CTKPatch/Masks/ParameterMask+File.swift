public import CTKCore
import CTKSafetensors

// MARK: Writing

extension ParameterMask {
  /// Writes the mask; equal masks give equal bytes, for one version of zlib.
  ///
  /// - Throws: `output.*`.
  public func write(to path: String, replacesExisting: Bool = false) throws(PatchError) {
    if !replacesExisting && Folder.fileExists(path) {
      throw PatchError(wrapping: Output.existsError(path))
    }
    var streams = try StreamCollector(beside: path)
    for tensor in tensors {
      let encoder = PositionStreamEncoder(unitCount: tensor.elementCount)
      try streams.add(
        MaskFormat.streamPrefix + tensor.name, encoder.encode(tensor.positions))
    }
    let metadata = metadata(payload: streams.payloadDigest)
    try streams.write(to: path, metadata: metadata, replacesExisting: replacesExisting)
  }

  private func metadata(payload: Digest) -> [String: String] {
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
      "tensors": JSONValue.array(tensors.map(\.json)).compactText,
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

/// One row of a mask's tensor table.
private struct MaskRow {
  let name: String
  let shape: [Int]
  let elementCount: Int
  let selected: Int
  let scores: ScoreSummary

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "an entry of 'tensors'")
    name = try fields.string("name")
    shape = try fields.shape("shape")
    selected = try fields.count("selected")
    scores = try fields.take("scores").map(ScoreSummary.init(json:)) ?? ScoreSummary()
    try fields.requireNoMore()
    do {
      elementCount = try CheckedArithmetic.elementCount(of: shape, tensor: name)
    } catch {
      throw .damaged(error.message)
    }
    guard elementCount <= MaskFormat.elementLimit, selected <= elementCount else {
      throw .damaged("tensor '\(name)' selects \(selected) of \(elementCount)")
    }
  }

  var streamName: String { MaskFormat.streamPrefix + name }

  func read(from container: SafetensorsFile) throws(PatchError) -> MaskedTensor {
    let stream = streamName
    let positions = try container.lend(stream) { (bytes) throws(PatchError) in
      do throws(StreamFault) {
        return try decode(bytes)
      } catch {
        throw error.inMask(stream, path: container.path)
      }
    }
    return try MaskedTensor(name: name, shape: shape, positions: positions, scores: scores)
  }

  private func decode(_ bytes: UnsafeRawBufferPointer) throws(StreamFault) -> [UInt32] {
    guard selected <= MaskFormat.positionLimit(streamByteCount: bytes.count) else {
      throw .damaged("\(bytes.count) bytes must not hold \(selected) positions")
    }
    var positions: [UInt32] = []
    positions.reserveCapacity(selected)
    var decoder = UnitStreamDecoder(bytes)
    try decoder.decodePositions(unitCount: elementCount) { (range, relative) throws(StreamFault) in
      guard positions.count + (relative?.count ?? range.count) <= selected else {
        throw .damaged("holds more than its \(selected) positions")
      }
      let first = UInt32(range.lowerBound)
      if let relative {
        for position in relative { positions.append(first + position) }
      } else {
        for position in range { positions.append(UInt32(position)) }
      }
    }
    try decoder.requireEnd()
    guard positions.count == selected else {
      throw .damaged("holds \(positions.count) positions, not \(selected)")
    }
    return positions
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
