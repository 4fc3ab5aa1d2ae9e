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
        ctk export-delta --base base --run run --round int8 --task mrpc --data glue/MRPC \\
          --output small.ctkpatch
        ctk export-delta --base base --run run --mask-reference --output values.ctkpatch
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

  @Option(
    help: """
      What changes of F32 weights are rounded to: none, bf16, int8 or int4. The rounded \
      model becomes the target; applying and reverting stay exact.
      """)
  var round = "none"

  @Flag(help: "Store values only and name the mask, which readers then need.")
  var maskReference = false

  @Option(help: "The mask to refer to; a run's own is the default.")
  var mask: String?

  @OptionGroup var task: RoundingTaskOptions

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
    if Rounding(rawValue: round) == nil {
      throw ValidationError("--round must be none, bf16, int8 or int4")
    }
    if mask != nil && !maskReference {
      throw ValidationError("--mask is for --mask-reference")
    }
    if maskReference && mask == nil && runFolder == nil {
      throw ValidationError("--mask-reference needs --mask, or a run with a mask")
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
        checkpoint, run.weights, run.mask, before: before, after: run.configuration,
        run.provenance(license: license, note: note, tool: Version.text), reporter)
    } else if let tuned {
      var options = ImportOptions()
      options.isStrict = true
      let source = try SourceCheckpoint(path: tuned, options: options)
      try export(
        checkpoint, source, nil, before: before,
        after: Array(source.configuration.json.prettyText.utf8),
        Provenance(baseLicense: license, note: note, tool: Version.text), reporter)
    }
  }

  private func export(
    _ checkpoint: Checkpoint, _ target: any TensorSource, _ ownMask: ParameterMask?,
    before: [UInt8], after: [UInt8], _ provenance: Provenance, _ reporter: Reporter
  ) throws {
    let options = try options(ownMask)
    let meter = try TaskMeter(task, checkpoint, threads.compute)
    _ = try PatchExporter.export(
      base: checkpoint.weights, tuned: target,
      files: [ChangedFile(name: Self.configurationName, before: before, after: after)],
      provenance: provenance, options: options, to: destination, replacesExisting: force.force,
      progress: reporter.progress)
    let patch = try PatchFile(path: destination, masks: options.mask.map { [$0] } ?? [])
    let report = try PatchInspector.inspect(patch)
    var (fields, text) = (report.json, PatchText.summary(report))
    fields["seconds"] = .real(reporter.seconds)
    if let meter {
      let rounded = try PatchedSource(base: checkpoint.weights, patches: [patch])
      let comparison = MetricComparison(
        before: try meter.results(of: target, progress: reporter.progress),
        after: try meter.results(of: rounded, progress: reporter.progress))
      fields["metrics"] = .object(comparison.json)
      text += "\n\n" + comparison.text
    }
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: "ctk-export-delta/1", fields, text: text)
  }

  private func options(_ ownMask: ParameterMask?) throws -> ExportOptions {
    var options = ExportOptions(codec: CodecChoice(rawValue: codec) ?? .auto)
    options.threadCount = threads.threads == 0 ? nil : threads.threads
    options.rounding = Rounding(rawValue: round) ?? .none
    guard maskReference else { return options }
    options.mask = try mask.map { try ParameterMask(path: $0) } ?? ownMask
    if options.mask == nil {
      throw CommandError(
        .inputInvalid, "the run trained everything and has no mask", path: runFolder,
        hint: "leave out --mask-reference")
    }
    return options
  }
}

/// A task's metrics for the model before its changes were rounded and after.
private struct MetricComparison {
  let before: [MetricResult]
  let after: [MetricResult]

  var json: JSONObject {
    JSONObject(["before": .object(Self.json(before)), "after": .object(Self.json(after))])
  }

  var text: String {
    var table = Table(["metric", ">before", ">after"])
    for (old, new) in zip(before, after) {
      table.add([old.name, Humanize.fixed(old.value, 4), Humanize.fixed(new.value, 4)])
    }
    return table.text
  }

  private static func json(_ results: [MetricResult]) -> JSONObject {
    var object = JSONObject()
    for result in results { object[result.name] = .real(result.value) }
    return object
  }
}
