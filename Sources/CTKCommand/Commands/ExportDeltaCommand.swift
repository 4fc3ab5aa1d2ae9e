import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKPatch
import CTKTuning

struct ExportDeltaCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "export-delta",
    abstract: "Write the patch that turns the base into a tuned model.",
    discussion: """
      Examples:
        ctk export-delta --base base --run run --output mrpc.ctkpatch
        ctk export-delta --base base --tuned other/pytorch-folder --output other.ctkpatch
      """)

  @Option(help: "Base checkpoint.")
  var base: String

  @Option(name: .customLong("run"), help: "A finished run on this base.")
  var runFolder: String?

  @Option(help: "A tuned model in any container.")
  var tuned: String?

  @Option(name: [.customShort("o"), .customLong("output")], help: "Patch file to write.")
  var destination: String

  @Option(help: "How changes are coded: auto, deflate or context.")
  var codec = "auto"

  @Option(help: "Licence of the base, noted in the patch.")
  var license: String?

  @Option(help: "A remark, noted in the patch.")
  var note: String?

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  private static let configurationName = "config.json"

  func validate() throws {
    if (runFolder == nil) == (tuned == nil) {
      throw ValidationError("give either --run or --tuned")
    }
    if CodecChoice(rawValue: codec) == nil {
      throw ValidationError("--codec must be auto, deflate or context")
    }
  }

  func perform(_ reporter: Reporter) throws {
    try OutputPath.require(freeFile: destination, force)
    let checkpoint = try Checkpoint.open(base)
    let before = try readSmallFile(base + "/" + Self.configurationName)
    if let runFolder {
      let run = try FinishedRun(
        folder: RunFolder(path: runFolder), base: checkpoint, progress: reporter.progress)
      if let drift = run.drift, drift.moved > 0 {
        reporter.note(
          RunText.drift(drift) + ": the patch holds them too; --profile paper freezes them")
      }
      try export(
        checkpoint, run.weights, before: before, after: run.configuration,
        run.provenance(license: license, note: note, tool: Version.text), reporter)
    } else if let tuned {
      var options = ImportOptions()
      options.isStrict = true
      let source = try SourceCheckpoint(path: tuned, options: options)
      try export(
        checkpoint, source, before: before,
        after: Array(source.configuration.json.prettyText.utf8),
        Provenance(baseLicense: license, note: note, tool: Version.text), reporter)
    }
  }

  private func export(
    _ checkpoint: Checkpoint, _ target: any TensorSource, before: [UInt8], after: [UInt8],
    _ provenance: Provenance, _ reporter: Reporter
  ) throws {
    var options = ExportOptions(codec: CodecChoice(rawValue: codec) ?? .auto)
    options.threadCount = threads.threads == 0 ? nil : threads.threads
    _ = try PatchExporter.export(
      base: checkpoint.weights, tuned: target,
      files: [ChangedFile(name: Self.configurationName, before: before, after: after)],
      provenance: provenance, options: options, to: destination, replacesExisting: force.force,
      progress: reporter.progress)
    let report = try PatchInspector.inspect(try PatchFile(path: destination))
    var fields = report.json
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(
      schema: "ctk-export-delta/1", fields, text: PatchText.summary(report))
  }
}
