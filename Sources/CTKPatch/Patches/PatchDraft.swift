import CTKCore

/// A patch in the making: streams so far, table so far, digests so far.
struct PatchDraft: ~Copyable {
  private let path: String
  private let options: ExportOptions
  private var streams: StreamCollector
  private var entries: [PatchEntry] = []
  private var baseDigests: [(name: String, digest: Digest)] = []
  private var tunedDigests: [(name: String, digest: Digest)] = []

  init(path: String, options: ExportOptions) throws(PatchError) {
    self.path = path
    self.options = options
    streams = try StreamCollector(beside: path)
  }

  /// Writes the file.
  consuming func finish(
    files: [FileEntry], provenance: Provenance, replacesExisting: Bool
  ) throws(PatchError) -> PatchSummary {
    let header = PatchHeader(
      baseFingerprint: Fingerprint.checkpoint(baseDigests),
      targetFingerprint: Fingerprint.checkpoint(tunedDigests), entries: entries, files: files,
      provenance: provenance, payloadDigest: streams.payloadDigest)
    try requireExpectedBase(header.baseFingerprint)
    try streams.write(
      to: path, metadata: header.metadata, replacesExisting: replacesExisting)
    return PatchSummary(
      baseFingerprint: header.baseFingerprint, targetFingerprint: header.targetFingerprint,
      entries: header.entries)
  }

  private func requireExpectedBase(_ found: Digest) throws(PatchError) {
    guard let expected = options.expectedBase, found != expected else { return }
    throw PatchError(
      .wrongBase, "the base's fingerprint is \(found), expected \(expected)",
      hint: "give the base the patches were made from")
  }
}

// MARK: Tensors

extension PatchDraft {
  /// Compares one tensor of both sides and adds what differs.
  mutating func addTensor(
    _ name: String, base: any TensorSource, tuned: any TensorSource
  ) throws(PatchError) {
    defer {
      base.release(name)
      tuned.release(name)
    }
    switch (base.info(of: name), tuned.info(of: name)) {
    case (let old?, let new?):
      try base.lend(name) { (oldBytes) throws(PatchError) in
        try tuned.lend(name) { (newBytes) throws(PatchError) in
          try addPair((old, oldBytes), (new, newBytes))
        }
      }
    case (let old?, nil):
      try base.lend(name) { (bytes) throws(PatchError) in try addSides((old, bytes), nil) }
    case (nil, let new?):
      try tuned.lend(name) { (bytes) throws(PatchError) in try addSides(nil, (new, bytes)) }
    case (nil, nil):
      break
    }
  }

  private typealias Tensor = (info: TensorInfo, bytes: UnsafeRawBufferPointer)

  private mutating func addPair(_ old: Tensor, _ new: Tensor) throws(PatchError) {
    guard old.info == new.info else { return try addSides(old, new) }
    let before = Fingerprint.tensor(old.info, bytes: old.bytes)
    baseDigests.append((old.info.name, before))
    if equalBytes(old.bytes, new.bytes) {
      tunedDigests.append((new.info.name, before))
      return
    }
    let after = Fingerprint.tensor(new.info, bytes: new.bytes)
    tunedDigests.append((new.info.name, after))
    let encoded = try encoder(new.info).encodeChanges(base: old.bytes, tuned: new.bytes) {
      (bytes) throws(PatchError) in try streams.append(bytes)
    }
    try add(
      PatchEntry(
        name: new.info.name, before: TensorState(info: old.info, digest: before),
        after: TensorState(info: new.info, digest: after), changes: encoded.changes,
        codec: encoded.codec))
  }

  private func encoder(_ info: TensorInfo) -> UnitStreamEncoder {
    UnitStreamEncoder(info, choice: options.codec, blockShift: options.blockShift)
  }

  /// Adds a tensor that only one side has, or that differs in dtype or shape.
  private mutating func addSides(_ old: Tensor?, _ new: Tensor?) throws(PatchError) {
    var states: [TensorState?] = []
    // One stream holds both sides, so the first to have units chooses its codec.
    var choice = options.codec
    for tensor in [old, new] {
      guard let tensor else {
        states.append(nil)
        continue
      }
      let digest = Fingerprint.tensor(tensor.info, bytes: tensor.bytes)
      states.append(TensorState(info: tensor.info, digest: digest))
      let encoder = UnitStreamEncoder(
        tensor.info, choice: choice, blockShift: options.blockShift)
      let encoded = try encoder.encodeWhole(tensor.bytes) { (bytes) throws(PatchError) in
        try streams.append(bytes)
      }
      if !tensor.bytes.isEmpty { choice = CodecChoice(encoded.codec) }
    }
    guard let name = (old ?? new)?.info.name else { return }
    if let state = states[0] { baseDigests.append((name, state.digest)) }
    if let state = states[1] { tunedDigests.append((name, state.digest)) }
    try add(
      PatchEntry(
        name: name, before: states[0], after: states[1], changes: 0,
        codec: PatchCodec(rawValue: choice.rawValue) ?? .context))
  }

  private mutating func add(_ entry: PatchEntry) throws(PatchError) {
    try streams.endStream(entry.streamName)
    entries.append(entry)
  }
}

// MARK: Files

extension PatchDraft {
  /// Adds the small files that differ; must come before the tensors.
  mutating func addFiles(_ files: [ChangedFile]) throws(PatchError) -> [FileEntry] {
    var entries: [FileEntry] = []
    for file in files.sorted(by: { utf8Precedes($0.name, $1.name) })
    where file.before != file.after {
      try Self.check(file, after: entries.last)
      var stream: [UInt8] = []
      for side in [file.before, file.after] {
        side?.withUnsafeBufferPointer { Part.encode($0, content: .index, to: &stream) }
      }
      try streams.append(stream)
      let entry = FileEntry(file)
      try streams.endStream(entry.streamName)
      entries.append(entry)
    }
    return entries
  }

  private static func check(_ file: ChangedFile, after last: FileEntry?) throws(PatchError) {
    guard FileEntry.isAllowed(file.name), last?.name != file.name else {
      throw PatchError(
        .fileInvalid, "a patch cannot carry a file named '\(file.name)', or not twice",
        hint: "only small text files such as config.json belong into a patch")
    }
    for side in [file.before, file.after] {
      if let count = side?.count, count > PatchFormat.fileByteLimit {
        throw PatchError(
          .fileInvalid,
          "file '\(file.name)' has \(count) bytes, more than \(PatchFormat.fileByteLimit)")
      }
    }
  }
}
