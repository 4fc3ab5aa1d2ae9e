import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKHDF5
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
        ctk inspect mrpc.ctkmask --map
        ctk inspect mrpc.ctkpatch --plot mrpc.svg
        ctk inspect run
      """)

  @Argument(help: "A checkpoint folder or file, a mask, a patch or a run folder.")
  var path: String

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
      try inspect(try PatchFile(path: path), reporter)
    case .mask:
      let mask = try ParameterMask(path: path)
      try plot(.mask(mask), "\(Humanize.count(mask.selected)) selected weights")
      let map = try mapText(.mask(mask))
      reporter.finish(schema: "ctk-inspect/1", mask.json, text: MaskText.table(mask) + map)
    case .hdf5:
      try inspect(try HDF5File(path: path), reporter)
    case .checkpoint:
      try inspect(try SafetensorsCheckpoint(path: path), reporter)
    }
  }

  private func inspect(_ patch: PatchFile, _ reporter: Reporter) throws {
    let report = try PatchInspector.inspect(patch)
    try plot(.patch(patch), "\(Humanize.count(report.changes)) changed weights")
    let steps = try PatchSteps(patch)
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

  private func inspect(_ source: any TensorSource, _ reporter: Reporter) throws {
    if map || plot != nil {
      throw CommandError(
        .inputInvalid, "only a mask or a patch has a density map", path: path,
        hint: "leave out --map and --plot")
    }
    var digests: [(name: String, digest: Digest)] = []
    for (position, info) in source.tensors.enumerated() {
      reporter.progress?(
        ProgressEvent(
          stage: "inspect", completed: position, total: source.tensors.count, unit: "tensors"))
      let digest = try source.withTensorBytes(info.name) { Fingerprint.tensor(info, bytes: $0) }
      digests.append((info.name, digest))
    }
    let fingerprint = Fingerprint.checkpoint(digests)
    let parameters = source.tensors.map(\.elementCount).reduce(0, +)
    var table = Table(["tensor", "type", "shape", ">elements", "sha256"])
    var rows: [JSONValue] = []
    for (info, entry) in zip(source.tensors, digests) {
      let shape = info.shape.map(String.init).joined(separator: "x")
      table.add([
        info.name, info.dtype.rawValue, shape, Humanize.count(info.elementCount),
        String(entry.digest.hex.prefix(12)),
      ])
      rows.append([
        "name": .string(info.name), "dtype": .string(info.dtype.rawValue),
        "shape": .array(info.shape.map { .integer($0) }), "sha256": .string(entry.digest.hex),
      ])
    }
    let fields = JSONObject([
      "kind": "checkpoint", "fingerprint": .string(fingerprint.hex),
      "parameters": .integer(parameters), "tensors": .array(rows),
    ])
    reporter.finish(
      schema: "ctk-inspect/1", fields,
      text: """
        \(table.text)

        parameters   \(Humanize.count(parameters))
        fingerprint  \(fingerprint.hex)
        """)
  }

  private func inspectRun(_ folder: RunFolder, _ reporter: Reporter) throws {
    let manifest = try RunManifest.read(folder)
    var fields = manifest.json.objectValue ?? JSONObject()
    fields["kind"] = "run"
    fields["complete"] = .bool(folder.isComplete)
    if folder.isComplete {
      fields["metrics"] = try JSONParser.parseFile(folder.metrics)["metrics"]
    }
    reporter.finish(
      schema: "ctk-inspect/1", fields, text: JSONValue.object(fields).prettyText)
  }
}

/// What a file is, by its first bytes and its metadata.
enum FileKind {
  case checkpoint
  case patch
  case mask
  case hdf5

  private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  static func of(_ path: String) throws -> FileKind {
    if Folder.exists(path) { return .checkpoint }
    let isHDF5 = try MappedFile(path: path).withBytes { $0.starts(with: hdf5Signature) }
    if isHDF5 { return .hdf5 }
    if path.hasSuffix(".json") { return .checkpoint }
    switch try SafetensorsFile(path: path).metadata["format"] {
    case PatchFormat.name: return .patch
    case MaskFormat.name: return .mask
    default: return .checkpoint
    }
  }
}
