import ArgumentParser
import CTKCore
import CTKPatch

/// Where a changed model goes.
struct ModelDestination: ParsableArguments {
  @Option(name: [.customShort("o"), .customLong("output")], help: "Folder to write.")
  var destination: String?

  @Flag(help: "Change the model itself; only pages that change are written.")
  var inPlace = false

  @Flag(help: "Check that the patch fits, and write nothing.")
  var dryRun = false

  @Flag(help: "Wait until a new output is safe on the disk, not only in the system's memory.")
  var sync = false

  init() {}

  func validate() throws {
    let count = (destination == nil ? 0 : 1) + (inPlace ? 1 : 0)
    if count != 1 && !(count == 0 && dryRun) {
      throw ValidationError("give either --output or --in-place")
    }
  }
}

/// What every change of a model takes.
struct ChangeOptions: ParsableArguments {
  @OptionGroup var target: ModelDestination
  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var threads: ThreadOptions

  init() {}
}

struct ApplyCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply",
    abstract: "Put patches on a base: the tuned model, bit for bit.",
    discussion: """
      The base is checked before and the result after; the output appears only when right.

      Examples:
        ctk apply --base base --patch mrpc.ctkpatch --output tuned
        ctk apply --base base --patch first.ctkpatch second.ctkpatch --output tuned
        ctk apply --base model --patch mrpc.ctkpatch --in-place
        ctk apply --base base --patch mrpc.ctkpatch --dry-run
      """)

  @Option(help: "Base checkpoint.")
  var base: String

  @Option(parsing: .upToNextOption, help: "Patches, in the order they are to be applied.")
  var patch: [String]

  @OptionGroup var change: ChangeOptions
  @OptionGroup var output: OutputOptions

  func perform(_ reporter: Reporter) throws {
    try ModelChange(model: base, kind: .apply(patches: patch), options: change)
      .run(reporter, schema: "ctk-apply/1")
  }
}

struct RevertCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "revert",
    abstract: "Take a patch off a tuned model: the base, bit for bit.",
    discussion: """
      Examples:
        ctk revert --model tuned --patch mrpc.ctkpatch --output base-again
        ctk revert --model tuned --patch mrpc.ctkpatch --in-place
      """)

  @Option(help: "The tuned model.")
  var model: String

  @Option(parsing: .upToNextOption, help: "Patches, in the order they were applied.")
  var patch: [String]

  @OptionGroup var change: ChangeOptions
  @OptionGroup var output: OutputOptions

  func perform(_ reporter: Reporter) throws {
    try ModelChange(model: model, kind: .revert(patches: patch), options: change)
      .run(reporter, schema: "ctk-revert/1")
  }
}

struct SwitchCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "switch",
    abstract: "Turn one task's model straight into another's of the same base.",
    discussion: """
      The base is not written in between; every digest is checked all the same.

      Examples:
        ctk switch --model mrpc --from mrpc.ctkpatch --to cola.ctkpatch --output cola
        ctk switch --model model --from mrpc.ctkpatch --to cola.ctkpatch --in-place
      """)

  @Option(help: "The model tuned for the first task.")
  var model: String

  @Option(help: "The patch that the model has.")
  var from: String

  @Option(help: "The patch that it is to have instead.")
  var to: String

  @OptionGroup var change: ChangeOptions
  @OptionGroup var output: OutputOptions

  func perform(_ reporter: Reporter) throws {
    try ModelChange(model: model, kind: .replace(patch: from, by: to), options: change)
      .run(reporter, schema: "ctk-switch/1")
  }
}
