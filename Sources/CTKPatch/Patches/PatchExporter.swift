public import CTKCore

/// Choices in writing a patch.
public struct ExportOptions: Sendable {
  public var codec: CodecChoice
  /// The fingerprint that the base must have; nil when any base will do.
  package var expectedBase: Digest?
  /// Overrides the block size, 4 to 22; tests use small blocks.
  package var blockShift: Int?

  public init(codec: CodecChoice = .auto) { self.codec = codec }
}

/// What was written.
public struct PatchSummary: Sendable {
  public let baseFingerprint: Digest
  public let targetFingerprint: Digest
  public let entries: [PatchEntry]

  /// Units whose bits differ in tensors that both checkpoints have.
  public var changes: Int { entries.reduce(0) { $0 + $1.changes } }
}

/// Writer of patches between two checkpoints (`formats/patch.md`).
public enum PatchExporter {
  /// Writes the patch that turns `base` into `tuned`.
  ///
  /// Streams tensor by tensor; peak memory is about twice the largest tensor.
  /// Equal inputs give equal bytes, for one version of zlib.
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
    var draft = try PatchDraft(path: path, options: options)
    let fileEntries = try draft.addFiles(files)
    let names = Set(base.tensors.map(\.name)).union(tuned.tensors.map(\.name))
    for (position, name) in names.sorted(by: utf8Precedes).enumerated() {
      progress?(
        ProgressEvent(
          stage: "export-delta", completed: position, total: names.count, unit: "tensors"))
      try draft.addTensor(name, base: base, tuned: tuned)
    }
    return try draft.finish(
      files: fileEntries, provenance: provenance, replacesExisting: replacesExisting)
  }
}
