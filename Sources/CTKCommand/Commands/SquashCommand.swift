import ArgumentParser
import CTKCore
import CTKPatch
import CTKSafetensors

struct SquashCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "squash",
    abstract: "Make one patch of a chain of patches, exactly.",
    discussion: """
      The patch does what the chain does, and reverts what the chain reverts. Changes \
      that cancel are left out. The base is needed only where patches code values \
      against it, as the codec context does for F32 tensors.

      Examples:
        ctk squash monday.ctkpatch tuesday.ctkpatch --base base --output both.ctkpatch
        ctk squash v1.ctkpatch v2.ctkpatch v3.ctkpatch -o v3-from-base.ctkpatch
      """)

  @Argument(help: "Patches, in the order in which they are applied.")
  var patches: [String]

  @Option(help: "What the first patch applies to.")
  var base: String?

  @Option(name: [.customShort("o"), .customLong("output")], help: "Patch file to write.")
  var destination: String

  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    try OutputPath.require(freeFile: destination, force)
    let files = try patches.map { try masks.open($0) }
    var options = ExportOptions()
    options.threadCount = threads.count
    _ = try PatchSquasher.squash(
      files, base: try base.map { try SafetensorsCheckpoint(path: $0) }, options: options,
      tool: Version.text,
      to: destination, replacesExisting: force.force,
      progress: reporter.progress)
    let report = try PatchInspector.inspect(try PatchFile(path: destination))
    var fields = report.json
    fields["squashed"] = .integer(files.count)
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: "ctk-squash/1", fields, text: PatchText.summary(report))
  }
}
