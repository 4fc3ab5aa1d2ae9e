import CTKCore

/// A squashed patch in the making.
struct SquashDraft: ~Copyable {
  private let path: String
  private let options: ExportOptions
  private var streams: StreamCollector
  private var entries: [PatchEntry] = []
  private var files: [FileEntry] = []

  init(path: String, options: ExportOptions) throws(PatchError) {
    self.path = path
    self.options = options
    streams = try StreamCollector(beside: path)
  }

  /// Adds a small file; must come before the tensors, in name order.
  mutating func addFile(_ file: ChangedFile) throws(PatchError) {
    var stream: [UInt8] = []
    for side in [file.before, file.after] {
      side?.withUnsafeBufferPointer { Part.encode($0, content: .index, to: &stream) }
    }
    let entry = FileEntry(file)
    try streams.append(stream)
    try streams.endStream(entry.streamName)
    files.append(entry)
  }

  /// Adds what a history comes to; must come in name order.
  mutating func addTensor(_ history: TensorHistory) throws(PatchError) {
    if history.cancels { return }
    let encoded = try history.isSum ? encodeSum(history) : encodeWholes(history)
    let entry = PatchEntry(
      name: history.name, before: history.before, after: history.after,
      changes: encoded.changes, codec: encoded.codec)
    try streams.endStream(entry.streamName)
    entries.append(entry)
  }

  private mutating func encodeSum(
    _ history: TensorHistory
  ) throws(PatchError) -> EncodedStream {
    guard let info = history.before?.info else { return EncodedStream(changes: 0, codec: .deflate) }
    let encoded = try history.withBase { (base) throws(PatchError) in
      let sum = SummedChanges(
        unit: CodingUnit(info.dtype), unitCount: info.unitCount,
        patches: try history.changes(from: base), base: base)
      return try sum.encode(encoder(info)) { (bytes) throws(PatchError) in
        try streams.append(bytes)
      }
    }
    guard encoded.changes > 0 else {
      throw PatchError(
        .damaged, "the changes of tensor '\(history.name)' cancel, but its digests differ",
        path: history.steps[0].patch.path, hint: "fetch the patches again")
    }
    return encoded
  }

  private mutating func encodeWholes(
    _ history: TensorHistory
  ) throws(PatchError) -> EncodedStream {
    let (old, new) = (try history.wholeBefore(), try history.wholeAfter())
    if let old, let new, let info = history.after?.info, history.before?.info == info {
      return try old.withBytes { (old) throws(PatchError) in
        try new.withBytes { (new) throws(PatchError) in
          try encoder(info).encodeChanges(
            base: UnsafeRawBufferPointer(old), tuned: UnsafeRawBufferPointer(new)
          ) { (bytes) throws(PatchError) in try streams.append(bytes) }
        }
      }
    }
    var choice = options.codec
    for (buffer, state) in [(old, history.before), (new, history.after)] {
      guard let buffer, let info = state?.info else { continue }
      let encoder = UnitStreamEncoder(info, choice: choice, blockShift: options.blockShift)
      let encoded = try buffer.withBytes { (bytes) throws(PatchError) in
        try encoder.encodeWhole(UnsafeRawBufferPointer(bytes)) {
          (bytes) throws(PatchError) in try streams.append(bytes)
        }
      }
      if info.byteCount > 0 { choice = CodecChoice(encoded.codec) }
    }
    return EncodedStream(changes: 0, codec: PatchCodec(rawValue: choice.rawValue) ?? .context)
  }

  private func encoder(_ info: TensorInfo) -> UnitStreamEncoder {
    UnitStreamEncoder(info, choice: options.codec, blockShift: options.blockShift)
  }

  /// Writes the file.
  consuming func finish(
    from base: Digest, to target: Digest, provenance: Provenance, replacesExisting: Bool
  ) throws(PatchError) -> PatchSummary {
    let header = PatchHeader(
      baseFingerprint: base, targetFingerprint: target, entries: entries, files: files,
      provenance: provenance, payloadDigest: streams.payloadDigest)
    try streams.write(
      to: path, metadata: header.metadata, replacesExisting: replacesExisting)
    return PatchSummary(
      baseFingerprint: base, targetFingerprint: target, entries: header.entries)
  }
}
