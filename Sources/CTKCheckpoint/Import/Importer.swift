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
      at: options.tokenizerPath, beside: checkpoint.file.folder,
      for: checkpoint.plan.architecture)
    let findings = checkpoint.findings + tokenizer.findings
    if options.isDryRun {
      return ImportReport(
        plan: checkpoint.plan, fingerprint: nil, overflows: [], notFinite: [],
        tokenizerFiles: tokenizer.names, findings: findings)
    }
    let folder = try CheckpointError.wrap { () throws(CoreError) in
      try AtomicFolder(path: output, replacesExisting: options.replacesExisting)
    }
    let weights = try WeightsExport.write(
      checkpoint, to: folder.path(of: CheckpointFolder.weights),
      allowsNotFinite: !options.isStrict, progress: progress)
    let report = ImportReport(
      plan: checkpoint.plan, fingerprint: weights.fingerprint, overflows: weights.overflows,
      notFinite: weights.notFinite, tokenizerFiles: tokenizer.names, findings: findings)
    let configuration = checkpoint.configuration.json(writing: options.dtype)
    do {
      try SmallFile.write(
        configuration.prettyText, to: folder.path(of: CheckpointFolder.configuration))
      try tokenizer.write { folder.path(of: $0) }
      try SmallFile.write(
        report.json.prettyText, to: folder.path(of: CheckpointFolder.importReport))
      try folder.commit()
    } catch {
      throw CheckpointError(wrapping: error)
    }
    return report
  }
}
