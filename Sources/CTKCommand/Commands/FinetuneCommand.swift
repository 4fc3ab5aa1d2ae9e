import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKModel
import CTKPatch
import CTKTensor
import CTKTuning
import Foundation

struct FinetuneCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Fine-tune the child of a base on a task.",
    discussion: """
      The whole network runs forward; only the child and the dense tensors move.
      A run that was killed goes on with --resume, to the same bits.

      Examples:
        ctk finetune --base base --task mrpc --data glue/MRPC --output run
        ctk finetune --base base --task cola --data glue/CoLA --keep 0.02 --output run
        ctk finetune --base base --task custom --train train.tsv --dev dev.tsv --output run
        ctk finetune --base base --task mrpc --data glue/MRPC --output run --resume
      """)

  @Option(help: "Base checkpoint.")
  var base: String

  @OptionGroup var task: TaskOptions

  @Option(name: [.customShort("o"), .customLong("output")], help: "Run folder to write.")
  var destination: String

  @Option(help: "child-d (the Fisher-chosen child) or vanilla (every weight).")
  var method = "child-d"

  @Option(help: "How the method is carried out: paper (frozen weights keep every bit).")
  var profile = "paper"

  @Option(help: "Share of the scored weights in the child.")
  var keep = 0.1

  @Option(help: "Mask to train, instead of one computed for this run.")
  var mask: String?

  @Option(help: "Weights that may be in the child: encoder, all, or a regular expression.")
  var scope = "encoder"

  @Option(help: "Tensors trained whole besides the child, as a regular expression.")
  var dense = FinetuneOptions.defaultDense

  @Option(help: "Passes over the training data.")
  var epochs = 3

  @Option(help: "Examples in a step.")
  var batchSize = 16

  @Option(help: "Peak learning rate (default: 2e-4 for child-d, 5e-5 for vanilla).")
  var learningRate: Double?

  @Option(help: "Share of the steps that warm up.")
  var warmup = 0.1

  @Option(help: "Decoupled weight decay on what trains.")
  var weightDecay = 0.01

  @Option(help: "Largest norm of the gradient of what trains.")
  var clip = 1.0

  @Option(help: "Longest input in tokens.")
  var maxLength = 128

  @Option(help: "Seed of the head, the order of the examples and dropout.")
  var seed: UInt64 = 42

  @Flag(help: "Continue a run that did not finish.")
  var resume = false

  @Flag(help: "Also write the tuned model as a checkpoint into the run folder.")
  var saveModel = false

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    let options = try options()
    let folder = RunFolder(path: destination)
    if !resume { try OutputPath.require(free: destination, force) }
    let checkpoint = try Checkpoint.open(base)
    let (data, metrics) = try task.read(labels: TaskModel.headLabels(of: checkpoint))
    let compute = threads.compute
    let manifest = RunManifest(
      task: task.task, basePath: base, baseFingerprint: try checkpoint.fingerprint(),
      options: options.json, dataDigest: data.digest, labels: data.labels, metrics: metrics,
      compute: compute)
    let job = FinetuneJob(
      folder: folder, checkpoint: checkpoint, data: data, metrics: metrics, options: options,
      manifest: manifest, compute: compute)
    try job.prepare(resumes: resume, replacesExisting: force.force)
    let result = try job.run(
      maskPath: mask, savesModel: saveModel, reporter.progress
    ) { reporter.event($0) }
    var fields = result
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: "ctk-finetune/1", fields, text: summary(fields))
  }

  private func options() throws -> FinetuneOptions {
    var options = FinetuneOptions()
    guard let method = FinetuneMethod(rawValue: method) else {
      throw ValidationError("--method must be child-d or vanilla")
    }
    guard profile == "paper" else { throw ValidationError("--profile must be paper") }
    options.method = method
    options.keep = keep
    options.scope = scope
    options.dense = dense
    options.epochs = epochs
    options.batchSize = batchSize
    options.learningRate = learningRate
    options.warmup = warmup
    options.weightDecay = weightDecay
    options.clippingNorm = clip
    options.maxLength = maxLength
    options.seed = seed
    try options.validate()
    return options
  }

  private func summary(_ fields: JSONObject) -> String {
    let metrics = (fields["metrics"]?.objectValue?.members ?? []).map {
      "\($0.key.padding(toLength: 12, withPad: " ", startingAt: 0)) "
        + Humanize.fixed($0.value.doubleValue ?? 0, 4)
    }
    let seconds = fields["seconds"]?.doubleValue ?? 0
    let rate = fields["tokens_per_second"]?.doubleValue ?? 0
    return
      (metrics + [
        "steps        \(fields["steps"]?.intValue ?? 0) in \(Humanize.duration(seconds)), "
          + "\(Humanize.fixed(rate, 0)) tokens/s",
        "peak memory  \(Humanize.bytes(fields["peak_memory_bytes"]?.intValue ?? 0))",
        "fingerprint  \(fields["fingerprint"]?.stringValue ?? "")",
      ]).joined(separator: "\n")
  }
}
