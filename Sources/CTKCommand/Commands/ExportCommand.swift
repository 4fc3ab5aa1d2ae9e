import ArgumentParser
import CTKCheckpoint
import CTKCore

struct ExportCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a checkpoint in a container of the ecosystem.",
    discussion: """
      The output is a folder that transformers loads: weights, configuration and tokenizer.
      safetensors has PyTorch's names, h5 is the tf_model.h5 of the TensorFlow classes of
      transformers 4, keras-names is safetensors under the names of those classes.

      Examples:
        ctk export --model tuned --to h5 --output tuned-tf
        ctk export --model tuned --to safetensors --output tuned-pt
      """)

  @Option(help: "Checkpoint to export.")
  var model: String

  @Option(name: .customLong("to"), help: "safetensors, h5 or keras-names.")
  var format: String

  @Option(name: [.customShort("o"), .customLong("output")], help: "Folder to write.")
  var destination: String

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    guard let format = ExportFormat(rawValue: format) else {
      throw ValidationError("--to must be safetensors, h5 or keras-names")
    }
    let report = try Exporter.run(
      model: model, output: destination, format: format, replacesExisting: force.force,
      progress: reporter.progress)
    var fields = report.json.objectValue ?? JSONObject()
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: ExportReport.schema, fields, text: report.text)
  }
}
