import ArgumentParser
import CTKCore
import CTKPatch
import CTKSafetensors

struct ConvertCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Turn other tools' sparse changes into a patch, and patches into theirs.",
    discussion: """
      Reads patches, SHiRA adapters of PEFT, pytorch_diff.bin of composable-sft and \
      NAME.indices + NAME.values pairs in safetensors, and writes each of them. A format that stores float differences is put \
      on by one addition each, as its own tool does it; what such an addition cannot reach \
      is counted. Only patches know their base: of other formats the base is taken on trust.

      Examples:
        ctk convert adapter --base base --to ctk --output task.ctkpatch
        ctk convert task.ctkpatch --base base --to shira --output adapter
        ctk convert task.ctkpatch --base base --to sft --output folder
        ctk convert step_11.safetensors --base base --to ctk -o step_11.ctkpatch
        ctk convert task.ctkpatch --base base --to sparse-safetensors -o task.safetensors
      """)

  @Argument(help: "A patch, an adapter folder or a file of changes.")
  var source: String

  @Option(help: "The base that the changes belong to.")
  var base: String

  @Option(help: "Format to write: \(ConvertCommand.formats).")
  var to: String

  @Option(name: [.customShort("o"), .customLong("output")], help: "File or folder to write.")
  var destination: String

  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  private static let patchFormat = "ctk"
  private static let written: [PeerFormat] = PeerFormat.allCases
  private static var formats: String {
    ([patchFormat] + written.map(\.rawValue)).joined(separator: ", ")
  }

  func validate() throws {
    if to != Self.patchFormat && !Self.written.contains(where: { $0.rawValue == to }) {
      throw ValidationError("--to must be one of \(Self.formats)")
    }
  }

  func perform(_ reporter: Reporter) throws {
    try OutputPath.require(freeFile: destination, force)
    let checkpoint = try SafetensorsCheckpoint(path: base)
    let tuned = try ChangesFile.open(source, masks, base: checkpoint)
    var fields: JSONObject
    let text: String
    switch PeerFormat(rawValue: to) {
    case nil:
      var options = ExportOptions()
      options.threadCount = threads.count
      _ = try PatchExporter.export(
        base: checkpoint, tuned: tuned.source, provenance: tuned.provenance, options: options,
        to: destination,
        replacesExisting: force.force, progress: reporter.progress)
      let report = try PatchInspector.inspect(try PatchFile(path: destination))
      fields = report.json
      text = PatchText.summary(report)
    case .shira:
      let summary = try ShiraAdapter.write(
        base: checkpoint, tuned: tuned.source, to: destination, replacesExisting: force.force)
      (fields, text) = (summary.json, PeerText.summary(summary))
    case .sft:
      let summary = try SparseFineTuningFile.write(
        base: checkpoint, tuned: tuned.source, to: destination, replacesExisting: force.force)
      (fields, text) = (summary.json, PeerText.summary(summary))
    case .sparseSafetensors:
      let summary = try SparseSafetensors.write(
        base: checkpoint, tuned: tuned.source, to: destination, replacesExisting: force.force)
      (fields, text) = (summary.json, PeerText.summary(summary))
    }
    fields["source_format"] = .string(tuned.format?.rawValue ?? Self.patchFormat)
    fields["base_checked"] = .bool(tuned.format == nil)
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    let remark = tuned.format.map { "\n" + PeerText.remark($0) } ?? ""
    reporter.finish(schema: "ctk-convert/1", fields, text: text + remark)
  }
}

/// Changes in a patch or in a peer's file, put on their base.
struct ChangesFile {
  let source: any TensorSource
  /// nil for a patch.
  let format: PeerFormat?
  let provenance: Provenance

  /// - Throws: `input.invalid` for something else, and the codes of the formats.
  static func open(
    _ path: String, _ masks: MaskFileOptions, base: any TensorSource
  ) throws -> ChangesFile {
    if let file = try SparseFineTuningFile.path(path) {
      return try ChangesFile(
        PeerSource(
          base: base, changes: try SparseFineTuningFile.read(file, base: base), path: file),
        .sft)
    }
    if Folder.exists(path) {
      guard ShiraAdapter.isOne(path) else { throw unknown(path) }
      return try ChangesFile(
        PeerSource(base: base, changes: try ShiraAdapter.read(path, base: base), path: path),
        .shira)
    }
    if try FileKind.of(path) == .patch {
      let patch = try masks.open(path)
      try patch.verifyPayload()
      return ChangesFile(
        source: try PatchedSource(base: base, patches: [patch]), format: nil,
        provenance: patch.header.provenance)
    }
    guard SparseSafetensors.isOne(path) else { throw unknown(path) }
    return try ChangesFile(
      PeerSource(base: base, changes: try SparseSafetensors.read(path, base: base), path: path),
      .sparseSafetensors)
  }

  private init(source: any TensorSource, format: PeerFormat?, provenance: Provenance) {
    self.source = source
    self.format = format
    self.provenance = provenance
  }

  private init(_ source: PeerSource, _ format: PeerFormat) throws {
    let parameters = JSONObject([
      "arithmetic": format.isExact ? "values as stored" : "one float addition each",
      "base_checked": false, "source_format": .string(format.rawValue),
    ])
    self.init(
      source: source, format: format,
      provenance: Provenance(
        method: "convert", hyperparameters: parameters, note: PeerText.remark(format),
        tool: Version.text))
  }

  private static func unknown(_ path: String) -> CommandError {
    CommandError(
      .inputInvalid, "this is no patch, no adapter and no file of sparse changes", path: path,
      hint: "ctk reads its own patches, SHiRA folders, pytorch_diff.bin and NAME.indices + "
        + "NAME.values files")
  }
}
