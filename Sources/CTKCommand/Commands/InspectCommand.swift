import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTuning

struct InspectCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a checkpoint, mask, patch or run holds.",
    discussion: """
      Examples:
        ctk inspect base
        ctk inspect mrpc.ctkpatch --json
        ctk inspect mrpc.ctkpatch --base minilm
        ctk inspect mrpc.ctkmask --map
        ctk inspect mrpc.ctkpatch --plot mrpc.svg
        ctk inspect run
      """)

  @Argument(help: "A checkpoint folder or file, a mask, a patch or a run folder.")
  var path: String

  @Option(help: "A patch's base, to show the steps of values that are coded against it.")
  var base: String?

  @OptionGroup var masks: MaskFileOptions

  @Flag(help: "Show where the weights of a mask or patch lie, in characters.")
  var map = false

  @Option(help: "Draw where the weights of a mask or patch lie (SVG).")
  var plot: String?

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    let run = RunFolder(path: path)
    if Folder.exists(path) && Folder.fileExists(run.manifest) {
      return try inspectRun(run, reporter)
    }
    switch try FileKind.of(path) {
    case .patch:
      try inspect(try masks.open(path), reporter)
    case .mask:
      let mask = try ParameterMask(path: path)
      try plot(.mask(mask), "\(Humanize.count(mask.selected)) selected weights")
      let map = try mapText(.mask(mask))
      let densities = DensityTable.text(.mask(mask)).map { "\n\n" + $0 } ?? ""
      reporter.finish(
        schema: "ctk-inspect/1", mask.json, text: MaskText.table(mask) + densities + map)
    case .checkpoint:
      try inspect(try SourceTensors(path: path), reporter)
    }
  }

  private func inspect(_ patch: PatchFile, _ reporter: Reporter) throws {
    let report = try PatchInspector.inspect(patch)
    try plot(.patch(patch), "\(Humanize.count(report.changes)) changed weights")
    let steps = try PatchSteps(
      patch, base: try base.map { try SafetensorsCheckpoint(path: $0) })
    let map = try mapText(.patch(patch))
    reporter.finish(
      schema: "ctk-inspect/1", steps.added(to: report.json),
      text: PatchText.table(report, steps) + map)
  }

  private func plot(_ selection: WeightSelection, _ what: String) throws {
    guard let plot else { return }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let drawing = try DensityPlot(title: "\(name): \(what)", selection: selection).drawing()
    try PlotFile.write(drawing, to: plot, force)
  }

  private func mapText(_ selection: WeightSelection) throws -> String {
    map ? "\n\n" + (try DensityText(selection: selection).text()) : ""
  }

  private func inspect(_ source: SourceTensors, _ reporter: Reporter) throws {
    if map || plot != nil {
      throw CommandError(
        .inputInvalid, "only a mask or a patch has a density map", path: path,
        hint: "leave out --map and --plot")
    }
    var survey = CheckpointSurvey()
    for (position, info) in source.tensors.enumerated() {
      reporter.progress?(
        ProgressEvent(
          stage: "inspect", completed: position, total: source.tensors.count, unit: "tensors"))
      try source.withTensorBytes(info.name) { survey.add(info, $0) }
      source.discard(info.name)
    }
    reporter.finish(schema: "ctk-inspect/1", survey.json, text: survey.text)
  }

  private func inspectRun(_ folder: RunFolder, _ reporter: Reporter) throws {
    let manifest = try RunManifest.read(folder)
    let result = folder.isComplete ? try RunResult.read(folder) : nil
    var fields = manifest.json.objectValue ?? JSONObject()
    fields["kind"] = "run"
    fields["complete"] = .bool(folder.isComplete)
    // The manifest lists the names of the metrics, a result their values.
    if let result { fields["metrics"] = result.json["metrics"] }
    reporter.finish(schema: "ctk-inspect/1", fields, text: RunText.text(manifest, result))
  }
}
