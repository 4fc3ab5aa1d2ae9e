public import ArgumentParser
import CTKCore
public import CTKPatch
import CTKSafetensors

extension ComposePolicy: ExpressibleByArgument {}
extension HeadPolicy: ExpressibleByArgument {}

struct ComposeCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "compose",
    abstract: "Make one patch of several patches over one base.",
    discussion: """
      A weight that one patch changes becomes what that patch says, bit for bit. For \
      weights that several patches change, --policy decides: error refuses them, first and \
      last take that patch's value, sum adds the changes, mean averages them, ties averages \
      those that go the way of their sum. The base is read, because the digests of the \
      result depend on it.

      Task heads and config files that differ are settled by --heads: with rename every \
      head is kept, as NAME@TASK.

      Examples:
        ctk compose a.ctkpatch b.ctkpatch --base base --policy error -o ab.ctkpatch
        ctk compose mrpc.ctkpatch cola.ctkpatch --base base --policy ties \\
          --heads rename --output both.ctkpatch --json
      """)

  @Argument(help: "Patches made for the same base.")
  var patches: [String]

  @Option(help: "The base that the patches were made for.")
  var base: String

  @Option(help: "For weights that several patches change: \(Self.names(ComposePolicy.self)).")
  var policy: ComposePolicy

  @Option(
    help: """
      For heads and files that differ: \(Self.names(HeadPolicy.self)) (default: as the \
      policy for first and last, error otherwise).
      """)
  var heads: HeadPolicy?

  @Option(name: [.customShort("o"), .customLong("output")], help: "Patch file to write.")
  var destination: String

  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  private static func names<Choice: CaseIterable & RawRepresentable<String>>(
    _ choices: Choice.Type
  ) -> String {
    let names = choices.allCases.map(\.rawValue)
    return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
  }

  func perform(_ reporter: Reporter) throws {
    try OutputPath.require(freeFile: destination, force)
    let files = try patches.map { try masks.open($0) }
    var options = ComposeOptions(policy: policy, heads: heads)
    options.export.threadCount = threads.count
    let summary = try PatchComposer.compose(
      base: try SafetensorsCheckpoint(path: base), patches: files, options: options,
      tool: Version.text,
      to: destination, replacesExisting: force.force, progress: reporter.progress)
    let report = try PatchInspector.inspect(try PatchFile(path: destination))
    var fields = report.json
    fields["policy"] = .string(policy.rawValue)
    fields["overlap"] = .integer(summary.conflicts.reduce(0) { $0 + $1.overlap })
    fields["conflicts"] = .array(summary.conflicts.map { .object($0.json) })
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(
      schema: "ctk-compose/1", fields,
      text: ConflictText.table(summary.conflicts) + PatchText.summary(report))
  }
}
