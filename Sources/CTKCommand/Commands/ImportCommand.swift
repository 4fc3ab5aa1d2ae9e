import ArgumentParser
import CTKCheckpoint
import CTKCore
import Foundation

struct ImportCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Convert pretrained weights into a canonical checkpoint.",
    discussion: """
      Reads a Hugging Face folder, .safetensors, .bin and .h5 files (single or sharded), .keras
      archives, KerasHub presets and TensorFlow checkpoints by their prefix. Nothing in a file
      is ever executed.
      Every source tensor is used, an alias, or skipped for a stated reason; --verbose
      and --dry-run list them all, and so does import-report.json in the output.

      Examples:
        ctk import bert-folder --output base
        ctk import tf_model.h5 --config config.json --tokenizer vocab.txt --output base
        ctk import bert-folder --output base --dry-run
      """)

  @Argument(help: "The checkpoint's folder or file.")
  var source: String

  @Option(name: [.customShort("o"), .customLong("output")], help: "Folder to write.")
  var destination: String?

  @Option(help: "Configuration, when it does not lie beside the weights.")
  var config: String?

  @Option(help: "Tokenizer folder or file, when it does not lie beside the weights.")
  var tokenizer: String?

  @Option(help: "Encoder family (default: what the configuration says).")
  var architecture: String?

  @Option(help: "Element type to store: keep, f32, f16 or bf16.")
  var dtype = "keep"

  @Flag(
    help: "Refuse weights that are NaN or infinite, and a source that lacks tensors of the encoder."
  )
  var strict = false

  @Flag(help: "Print the plan as a table and write nothing.")
  var dryRun = false

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    var options = ImportOptions(
      configurationPath: config, tokenizerPath: tokenizer, isDryRun: dryRun,
      replacesExisting: force.force)
    guard let kind = ImportDType(rawValue: dtype) else {
      throw ValidationError("--dtype must be keep, f32, f16 or bf16")
    }
    options.dtype = kind
    options.isStrict = strict
    if let architecture {
      guard let known = Architecture(rawValue: architecture) else {
        throw ValidationError("--architecture must be bert, roberta, electra, xlnet or distilbert")
      }
      options.architecture = known
    }
    guard let target = destination ?? (dryRun ? "" : nil) else {
      throw ValidationError("--output is missing")
    }
    if !dryRun { try OutputPath.require(freeFolder: target, .checkpoint, force) }
    let report = try Importer.run(
      source: source, output: target, options: options, progress: reporter.progress)
    var fields = report.json.objectValue ?? JSONObject()
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: ImportReport.schema, fields, text: text(of: report))
  }

  /// The summary, below the whole table where that was asked for.
  private func text(of report: ImportReport) -> String {
    let table = dryRun || output.verbose ? report.table + "\n" : ""
    return (table + report.summary).trimmingCharacters(in: .newlines)
  }
}
