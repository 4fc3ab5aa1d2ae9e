public import ArgumentParser
import CTKCore
import CTKTensor

/// The root of the command line.
public struct CTK: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "ctk",
    abstract: "Fine-tune a child of a pretrained encoder; ship each task as an exact, small patch.",
    discussion: """
      Example, the usual way through:
        ctk import tf_model.h5 --output base
        ctk finetune --base base --task mrpc --data glue/MRPC --output run
        ctk export-delta --base base --run run --output mrpc.ctkpatch
        ctk apply --base base --patch mrpc.ctkpatch --output tuned
      """,
    version: Version.text,
    subcommands: [
      ImportCommand.self, InspectCommand.self, MaskCommand.self, MaskSetCommand.self,
      FinetuneCommand.self, EvaluateCommand.self, PredictCommand.self, TokenizeCommand.self,
      ExportDeltaCommand.self, ApplyCommand.self, RevertCommand.self, SwitchCommand.self,
      VerifyCommand.self, ComposeCommand.self, SquashCommand.self, DiffCommand.self,
      OverlapCommand.self, ConvertCommand.self, ExportCommand.self, BenchCommand.self,
    ])

  public init() {}

  /// Parses the arguments, runs the command and ends the process.
  public static func run(arguments: [String]) -> Never {
    Interruption.install()
    Compute.endIdleThreads()
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
      exit(withError: nil)
    } catch let code as ExitCode {
      exit(withError: code)
    } catch {
      if exitCode(for: error) == .success {
        // Help and versions are results too.
        Console.writeOutput(fullMessage(for: error))
        exit(withError: nil)
      }
      let isUsage = exitCode(for: error).rawValue == ExitStatus.usage.rawValue
      if isUsage && arguments.contains("--json") {
        Console.writeOutput(ErrorReport.json(code: "usage", message: message(for: error)))
        exit(withError: ExitCode(ExitStatus.usage.rawValue))
      }
      exit(withError: error)
    }
  }
}
