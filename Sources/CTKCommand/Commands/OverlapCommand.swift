import ArgumentParser
import CTKCore
import CTKPatch

struct OverlapCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "overlap",
    abstract: "Show how much the weights of masks or patches have in common.",
    discussion: """
      A ratio is the share of the first one's weights that are in the second, too. By \
      chance it would be the density of the second among all weights that either could \
      select. Of a patch its changed tensors count, not those it holds whole.

      Examples:
        ctk overlap mrpc.ctkmask cola.ctkmask rte.ctkmask
        ctk overlap a.ctkpatch b.ctkpatch --plot overlap.svg
      """)

  @Argument(help: "Masks and patches of one base, at least two.")
  var files: [String]

  @Option(help: "Draw the ratios as a heat map (SVG).")
  var plot: String?

  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if files.count < 2 { throw ValidationError("give at least two masks or patches") }
  }

  func perform(_ reporter: Reporter) throws {
    if let plot { try OutputPath.require(freeFile: plot, force) }
    let selections = try files.map { try WeightSelection.open($0, masks) }
    let report = try OverlapMeter.measure(selections, progress: reporter.progress)
    let labels = WeightSelection.labels(of: files)
    if let plot {
      try PlotFile.write(OverlapPlot(labels: labels, report: report).drawing, to: plot, force)
    }
    let rows = zip(files, selections).enumerated().map { index, file -> JSONValue in
      [
        "path": .string(file.0), "kind": .string(file.1.kind),
        "digest": .string(file.1.digest.hex), "selected": .integer(report.selected[index]),
      ]
    }
    reporter.finish(
      schema: "ctk-overlap/1",
      JSONObject([
        "files": .array(rows), "pairs": report.pairsJSON, "seconds": .real(reporter.seconds),
        "peak_memory_bytes": .integer(PeakMemory.bytes),
      ]), text: OverlapText.table(report, labels: labels))
  }
}

extension WeightSelection {
  /// Opens a mask or a patch.
  ///
  /// - Throws: `input.invalid` for another kind of file, and the codes of masks and patches.
  static func open(_ path: String, _ masks: MaskFileOptions) throws -> WeightSelection {
    switch try FileKind.of(path) {
    case .mask: return .mask(try ParameterMask(path: path))
    case .patch:
      let patch = try masks.open(path)
      try patch.verifyPayload()
      return .patch(patch)
    default:
      throw CommandError(
        .inputInvalid, "this is neither a mask nor a patch", path: path,
        hint: "give files written by ctk mask or ctk export-delta")
    }
  }

  /// File names without folders and suffix, or the paths where these are not enough.
  static func labels(of paths: [String]) -> [String] {
    let names = paths.map { path in
      let file = path.split(separator: "/").last.map(String.init) ?? path
      return file.split(separator: ".").first.map(String.init) ?? file
    }
    return Set(names).count == names.count ? names : paths
  }
}
