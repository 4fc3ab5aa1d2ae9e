public import CTKCore

/// Choices in writing a patch.
public struct ExportOptions: Sendable {
  public var codec: CodecChoice
  /// What changes of `F32` weights are rounded to; a tensor at a time is then in memory
  /// on each thread.
  public var rounding = Rounding.none
  /// The mask that readers have, so that its positions are not written; nil to write them.
  public var mask: ParameterMask?
  /// Threads to use; nil for all processors.
  ///
  /// The patch does not depend on it.
  public var threadCount: Int?
  /// The fingerprint that the base must have; nil when any base will do.
  package var expectedBase: Digest?
  /// Overrides the block size, 4 to 22; tests use small blocks.
  package var blockShift: Int?
  /// Overrides whether streams are joined; tests join those of small patches.
  package var joinsStreams: Bool?

  public init(codec: CodecChoice = .auto) { self.codec = codec }
}

/// What was written.
public struct PatchSummary: Sendable {
  public let baseFingerprint: Digest
  public let targetFingerprint: Digest
  public let entries: [PatchEntry]

  /// How the target was rounded; nil when it was not.
  public let rounding: RoundingRecord?

  /// Units whose bits differ in tensors that both checkpoints have.
  public var changes: Int { entries.reduce(0) { $0 + $1.changes } }
}

/// Writer of patches between two checkpoints (`formats/patch.md`).
public enum PatchExporter {
  /// Writes the patch that turns `base` into `tuned`.
  ///
  /// Reads every tensor once, in tiles, on all processors, and twice where changes are
  /// rounded to one step; peak memory does not depend on the size of tensors. Equal
  /// inputs give equal bytes, for one version of zlib.
  ///
  /// - Parameter files: small files of the folders; those that are equal are left out.
  /// - Throws: `patch.file-invalid`, `output.*`, and the codes of the sources.
  public static func export(
    base: any TensorSource, tuned: any TensorSource, files: [ChangedFile] = [],
    provenance: Provenance = Provenance(), options: ExportOptions = ExportOptions(),
    to path: String, replacesExisting: Bool = false, progress: ProgressHandler? = nil
  ) throws(PatchError) -> PatchSummary {
    if !replacesExisting && Folder.fileExists(path) {
      throw PatchError(wrapping: Output.existsError(path))
    }
    var collector = try StreamCollector(beside: path)
    let fileEntries = try FileEntry.collect(files, into: &collector)
    let names = sortedNames(base.tensors.map(\.name) + tuned.tensors.map(\.name))
    let workers = Workers(threadCount: options.threadCount)
    let step = try options.rounding.changeBits.map { (bits) throws(PatchError) in
      try ChangeSpread(base: base, tuned: tuned, names: names, workers).step(bits: bits)
    }
    let encoder = TensorPairEncoder(
      base: base, tuned: tuned, options: options, step: step ?? 0, spool: collector.spool)
    let drafts = try workers.map(
      weights: names.map { (base.info(of: $0) ?? tuned.info(of: $0))?.byteCount ?? 0 },
      completed: { completed in
        progress?(
          ProgressEvent(
            stage: "export-delta", completed: completed, total: names.count, unit: "tensors"))
      },
      { (index) throws(PatchError) in try encoder.draft(names[index]) })
    let fingerprints = (
      TensorDraft.fingerprint(drafts, \.before), TensorDraft.fingerprint(drafts, \.after)
    )
    try require(options.expectedBase, fingerprints.0)
    return try collector.write(
      PatchTable(drafts), from: fingerprints.0, to: fingerprints.1, files: fileEntries,
      provenance: provenance, maskDigest: options.mask?.digest,
      rounding: TensorDraft.rounding(drafts, options.rounding),
      joinsStreams: options.joinsStreams, path: path, replacesExisting: replacesExisting)
  }

  private static func require(_ expected: Digest?, _ found: Digest) throws(PatchError) {
    guard let expected, found != expected else { return }
    throw PatchError(
      .wrongBase, "the base's fingerprint is \(found), expected \(expected)",
      hint: "give the base the patches were made from")
  }
}

extension StreamCollector {
  /// Writes a patch of a table behind the streams of its files.
  ///
  /// - Parameter joinsStreams: nil to join them where the tables are long.
  /// - Throws: `output.*`.
  consuming func write(
    _ table: PatchTable, from base: Digest, to target: Digest, files: [FileEntry],
    provenance: Provenance, maskDigest: Digest? = nil, rounding: RoundingRecord? = nil,
    joinsStreams: Bool? = nil, path: String, replacesExisting: Bool
  ) throws(PatchError) -> PatchSummary {
    for stream in table.streams { add(stream) }
    let tables = HeaderTables(entries: table.entries, files: files)
    let joined = tables.joined(byteCounts: byteCounts, joinsStreams: joinsStreams)
    let header = PatchHeader(
      baseFingerprint: base, targetFingerprint: target, entries: table.entries, files: files,
      provenance: provenance, payloadDigest: payloadDigest, maskDigest: maskDigest,
      rounding: rounding, joinedByteCounts: joined == nil ? nil : byteCounts)
    try write(
      to: path, metadata: header.metadata(tables: joined), joiningWith: joined,
      replacesExisting: replacesExisting)
    return PatchSummary(
      baseFingerprint: base, targetFingerprint: target, entries: header.entries,
      rounding: rounding)
  }
}
