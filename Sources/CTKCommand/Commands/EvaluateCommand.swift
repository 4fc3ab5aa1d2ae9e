import ArgumentParser
import CTKCore
import CTKModel
import CTKTuning

struct EvaluateCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Compute a task's metrics for a model, or for a base with a patch.",
    discussion: """
      Examples:
        ctk evaluate --base tuned --task mrpc --data glue/MRPC
        ctk evaluate --base base --patch mrpc.ctkpatch --task mrpc --data glue/MRPC
      """)

  @Option(help: "Checkpoint to evaluate, or the base of the patch.")
  var base: String

  @Option(help: "Patch to put on the base in memory.")
  var patch: String?

  @OptionGroup var task: TaskOptions

  @OptionGroup var length: LengthOption

  @Option(help: "Write the predictions in the GLUE submission format.")
  var predictions: String?

  @Option(help: "Draw a missing head from this seed, to see an untuned model's level.")
  var headSeed: UInt64?

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    if let predictions { try OutputPath.require(freeFile: predictions, force) }
    let patched = try PatchedCheckpoint(base: base, patch: patch)
    let names = patched.hasHead ? patched.configuration.labels : nil
    let (data, metrics) = try task.read(labels: names)
    reporter.note(leftOut: data.skippedRows)
    if data.dev.isEmpty { throw TuningError(.dataEmpty, "there are no evaluation examples") }
    let model = try TaskModel.load(
      patched.base, weights: patched.weights, labels: data.labels, seed: headSeed)
    let evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: threads.compute)
    let dataset = model.tokenize(
      data.dev, maxLength: length.maxLength, progress: reporter.progress)
    reporter.log("\(data.dev.count) examples of \(dataset.tokenCount) tokens")
    let logits = try evaluator.logits(of: dataset, progress: reporter.progress)
    let results = Metrics.evaluate(
      metrics, logits: logits, targets: TaskData.targets(data.dev))
    if let predictions {
      var file = try AtomicFile(path: predictions, replacesExisting: force.force)
      try file.write(SubmissionFile.text(labels: data.labels, logits: logits))
      try file.commit()
    }
    report(results, examples: data.dev.count, reporter)
  }

  private func report(_ results: [MetricResult], examples: Int, _ reporter: Reporter) {
    var values = JSONObject()
    var table = Table(["metric", ">value"])
    for result in results {
      values[result.metric.rawValue] = .real(result.value)
      table.add([result.metric.rawValue, Humanize.fixed(result.value, 4)])
    }
    let fields = JSONObject([
      "task": .string(task.task), "examples": .integer(examples), "metrics": .object(values),
      "seconds": .real(reporter.seconds), "peak_memory_bytes": .integer(PeakMemory.bytes),
    ])
    reporter.finish(schema: "ctk-evaluate/1", fields, text: table.text)
  }
}
