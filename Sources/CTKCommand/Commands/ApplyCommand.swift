import ArgumentParser
import CTKCore
import CTKPatch

/// Where a changed model goes.
struct ModelDestination: ParsableArguments {
  @Option(name: [.customShort("o"), .customLong("output")], help: "Folder to write.")
  var destination: String?

  @Flag(help: "Replace the model itself once the result has been checked.")
  var inPlace = false

  @Flag(help: "Check that the patch fits, and write nothing.")
  var dryRun = false

  init() {}

  func validate() throws {
    let count = (destination == nil ? 0 : 1) + (inPlace ? 1 : 0)
    if count != 1 && !(count == 0 && dryRun) {
      throw ValidationError("give either --output or --in-place")
    }
  }
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
        ctk apply --base base --patch mrpc.ctkpatch --dry-run
      """)

  @Option(help: "Base checkpoint.")
  var base: String

  @Option(parsing: .upToNextOption, help: "Patches, in the order they are to be applied.")
  var patch: [String]

  @OptionGroup var target: ModelDestination
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    let change = ModelChange(
      model: base, patches: patch, direction: .apply, target: target, force: force)
    try change.run(reporter, schema: "ctk-apply/1")
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

  @OptionGroup var target: ModelDestination
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    let change = ModelChange(
      model: model, patches: patch, direction: .revert, target: target, force: force)
    try change.run(reporter, schema: "ctk-revert/1")
  }
}
