import ArgumentParser
import CTKCore
import CTKPatch
import CTKSafetensors

struct VerifyCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every digest of a patch, and of the models it belongs to.",
    discussion: """
      Ends with status 2 and the first difference when something differs.

      Examples:
        ctk verify --patch mrpc.ctkpatch
        ctk verify --patch mrpc.ctkpatch --base base --tuned tuned
      """)

  @Option(help: "The patch.")
  var patch: String

  @Option(help: "The base it was made for.")
  var base: String?

  @Option(help: "The tuned model it leads to.")
  var tuned: String?

  @Option(help: "The model before its changes were rounded; needs --base.")
  var unrounded: String?

  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func validate() throws {
    if unrounded != nil && base == nil { throw ValidationError("--unrounded needs --base") }
  }

  func perform(_ reporter: Reporter) throws {
    let file = try masks.open(patch)
    let result = try PatchVerifier.verify(
      file, base: try base.map { try SafetensorsCheckpoint(path: $0) },
      tuned: try tuned.map { try SafetensorsCheckpoint(path: $0) },
      unrounded: try unrounded.map { try SafetensorsCheckpoint(path: $0) },
      threadCount: threads.count, progress: reporter.progress)
    reporter.finish(schema: "ctk-verify/1", result.json, text: text(result))
    if !result.isOK { throw ExitCode(ExitStatus.differs.rawValue) }
  }

  private func text(_ result: VerifyResult) -> String {
    guard let difference = result.firstDifference else {
      return "ok: \(result.checked) digests and streams are right"
    }
    return "differs: '\(difference.subject)' of the \(difference.place) "
      + "is \(difference.found?.hex ?? "absent"), expected \(difference.expected?.hex ?? "absent")"
  }
}
