public import CTKCore
import CTKSafetensors

/// Import of a checkpoint into a canonical folder.
public enum Importer {
  /// Runs an import.
  ///
  /// Tensors are read, converted and written one at a time. The output appears as a whole or
  /// not at all.
  ///
  /// - Parameters:
  ///   - source: a folder or a file; see `docs/guides/import.md`.
  ///   - output: the folder to create; nothing is written in a dry run.
  ///   - progress: told after every tensor.
  /// - Throws: the `import.*` codes, those of the container and the configuration, `output.*`.
  public static func run(
    source: String, output: String, options: ImportOptions = ImportOptions(),
    progress: ProgressHandler? = nil
  ) throws(CheckpointError) -> ImportReport {
    let checkpoint = try SourceCheckpoint(path: source, options: options)
    let tokenizer = try TokenizerFiles.find(
      at: options.tokenizerPath, beside: checkpoint.file.folder)
    if options.isDryRun {
      return ImportReport(
        plan: checkpoint.plan, fingerprint: nil, overflows: [], notFinite: [],
        tokenizerFiles: tokenizer.map(fileName), findings: checkpoint.findings)
    }
    let folder = try CheckpointError.wrap { () throws(CoreError) in
      try AtomicFolder(path: output, replacesExisting: options.replacesExisting)
    }
    let weights = try WeightsExport.write(
      checkpoint, to: folder.path(of: CheckpointFolder.weights),
      allowsNotFinite: options.allowsNotFinite, progress: progress)
    let report = ImportReport(
      plan: checkpoint.plan, fingerprint: weights.fingerprint, overflows: weights.overflows,
      notFinite: weights.notFinite,
      tokenizerFiles: tokenizer.map(fileName), findings: checkpoint.findings)
    let configuration = checkpoint.configuration.json(writing: options.dtype)
    do {
      try write(configuration.prettyText, to: folder.path(of: CheckpointFolder.configuration))
      for path in tokenizer {
        try write(try readSmallFile(path), to: folder.path(of: fileName(path)))
      }
      try write(report.json.prettyText, to: folder.path(of: CheckpointFolder.importReport))
      try folder.commit()
    } catch {
      throw CheckpointError(wrapping: error)
    }
    return report
  }

  private static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  private static func write(_ text: String, to path: String) throws(CoreError) {
    try write(Array(text.utf8), to: path)
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(CoreError) {
    var file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit()
  }
}
