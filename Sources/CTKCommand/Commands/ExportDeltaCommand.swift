import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTensor
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
      What changes of F32 weights are rounded to: none, bf16 (8 significant bits), int8 or \
      int4 (multiples of one step, of at most 8 or 4 bits on average). The rounded model \
      becomes the target; applying and reverting stay exact.
      """)
  var round = "none"

  @Flag(help: "Store values only and name the mask, which readers then need.")
  var maskReference = false

  @Option(help: "The mask to refer to; a run's own is the default.")
  var mask: String?

  @OptionGroup var task: RoundingTaskOptions

  @Flag(help: "Compare by the names in the files, as for models that ctk does not know.")
  var storedNames = false

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
    if let runFolder {
      try exportRun(runFolder, reporter)
    } else if let tuned {
      let sides = try openSides(tuned, reporter)
      try export(
        sides, Provenance(baseLicense: license, note: note, tool: Version.text), reporter)
    }
  }

  private func exportRun(_ folder: String, _ reporter: Reporter) throws {
    let checkpoint = try Checkpoint.open(base)
    // The export hashes the base, so it need not be hashed before.
    let run = try FinishedRun(
      folder: RunFolder(path: folder), base: checkpoint, checksBase: false)
    if let drift = run.drift, drift.moved > 0 {
      reporter.note(
        RunText.drift(drift) + ": the patch holds them too; --profile paper freezes them")
    }
    do {
      try export(
        Sides(
          base: checkpoint.weights, tuned: run.weights, configuration: run.configuration,
          checkpoint: checkpoint),
        run.provenance(license: license, note: note, tool: Version.text), reporter,
        mask: run.mask, expectedBase: run.manifest.baseFingerprint)
    } catch let error as PatchError {
      throw error.code == PatchErrorCode.wrongBase.rawValue ? run.otherBase : error
    }
  }

  /// What is compared.
  private struct Sides {
    let base: any TensorSource
    let tuned: any TensorSource
    /// The tuned model's `config.json`, where it has one.
    let configuration: [UInt8]?
    /// The base, where ctk knows its architecture.
    var checkpoint: Checkpoint?
  }

  /// Both under canonical names, or both under their own when ctk does not know the model.
  private func openSides(_ tuned: String, _ reporter: Reporter) throws -> Sides {
    if !storedNames {
      do throws(CheckpointError) {
        let checkpoint = try Checkpoint.open(base)
        var options = ImportOptions()
        options.isStrict = true
        let source = try SourceCheckpoint(path: tuned, options: options)
        return Sides(
          base: checkpoint.weights, tuned: source,
          configuration: Array(source.configuration.json.prettyText.utf8),
          checkpoint: checkpoint)
      } catch {
        guard StoredTensors.isUnknownModel(error) else { throw error }
        reporter.note("compared by the names in the files: \(error.message)")
      }
    }
    return Sides(
      base: try SafetensorsCheckpoint(path: base), tuned: try StoredTensors.open(tuned),
      configuration: try Self.configuration(of: tuned))
  }

  private static func configuration(of folder: String) throws(CoreError) -> [UInt8]? {
    let path = folder + "/" + configurationName
    return Folder.fileExists(path) ? try readSmallFile(path) : nil
  }

  private func export(
    _ sides: Sides, _ provenance: Provenance, _ reporter: Reporter, mask: ParameterMask? = nil,
    expectedBase: Digest? = nil
  ) throws {
    var options = try options(mask)
    options.expectedBase = expectedBase
    let meter = try meter(sides)
    let before = try Self.configuration(of: base)
    let files = sides.configuration.map {
      [ChangedFile(name: Self.configurationName, before: before, after: $0)]
    }
    _ = try PatchExporter.export(
      base: sides.base, tuned: sides.tuned, files: files ?? [], provenance: provenance,
      options: options, to: destination, replacesExisting: force.force,
      progress: reporter.progress)
    let patch = try PatchFile(path: destination, masks: options.mask.map { [$0] } ?? [])
    let report = try PatchInspector.inspect(patch)
    var (fields, text) = (report.json, PatchText.summary(report))
    fields["seconds"] = .real(reporter.seconds)
    if let meter {
      let rounded = try PatchedSource(base: sides.base, patches: [patch])
      let comparison = MetricComparison(
        before: try meter.results(of: sides.tuned, progress: reporter.progress),
        after: try meter.results(of: rounded, progress: reporter.progress))
      fields["metrics"] = .object(comparison.json)
      text += "\n\n" + comparison.text
    }
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: "ctk-export-delta/1", fields, text: text)
  }

  /// The task's metrics, where they are asked for.
  private func meter(_ sides: Sides) throws -> TaskMeter? {
    if let checkpoint = sides.checkpoint {
      let compute = Compute(threadCount: threads.resolvedCount)
      return try TaskMeter(task, checkpoint, compute)
    }
    if task.task == nil { return nil }
    throw CommandError(
      .inputInvalid, "ctk does not know this model, and cannot compute metrics with it",
      path: base, hint: "leave out --task")
  }

  private func options(_ ownMask: ParameterMask?) throws -> ExportOptions {
    var options = ExportOptions(codec: CodecChoice(rawValue: codec) ?? .auto)
    options.threadCount = threads.count
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
