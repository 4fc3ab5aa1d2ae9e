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
      A run that was stopped or killed goes on with --resume, to the same bits.

      Examples:
        ctk finetune --base base --task mrpc --data glue/MRPC --output run
        ctk finetune --base base --task cola --data glue/CoLA --keep 0.02 --output run
        ctk finetune --base base --task cola --data glue/CoLA --method child-d+r3f --output run
        ctk finetune --base base --task custom --train train.tsv --dev dev.tsv --output run
        ctk finetune --base base --task mrpc --data glue/MRPC --output run --resume
      """)

  @Option(help: "Base checkpoint.")
  var base: String

  @OptionGroup var task: TaskOptions

  @Option(name: [.customShort("o"), .customLong("output")], help: "Run folder to write.")
  var destination: String

  @OptionGroup var method: MethodOptions

  @Option(help: "Passes over the training data.")
  var epochs = 3

  @Option(help: "Examples in a batch.")
  var batchSize = 16

  @Option(help: "Peak learning rate (default: 2e-4 for child-d, 1e-4 for child-f, else 5e-5).")
  var learningRate: Double?

  @Option(help: "Share of the steps that warm up (default: 0.1).")
  var warmup: Double?

  @Option(
    help: "Decoupled decay towards zero (default: 0.01, 0 for weight-decay and recadam).")
  var weightDecay: Double?

  @Option(help: "Largest norm of the gradient of what trains.")
  var clip = 1.0

  @OptionGroup var loop: LoopFlags

  @OptionGroup var length: LengthOption

  @Option(help: "Seed of the head, the order of the examples and dropout.")
  var seed: UInt64 = 42

  @Flag(help: "Continue a run that did not finish.")
  var resume = false

  @Flag(help: "Also write the tuned model as a checkpoint into the run folder.")
  var saveModel = false

  @Flag(help: "Also draw loss, learning rate and metrics as curves.svg in the run folder.")
  var plot = false

  @Option(help: "Seconds between two saved states within an epoch.")
  var saveInterval = 30.0

  @OptionGroup var memory: MemoryOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var computing: ComputeOptions

  func validate() throws {
    if !(saveInterval >= 0) { throw ValidationError("--save-interval must not be negative") }
  }

  func perform(_ reporter: Reporter) throws {
    let mask = try method.mask.map { try MaskFile(path: $0) }
    let options = try options(mask?.mask)
    if resume {
      try OutputPath.requireParent(of: destination)
    } else {
      try OutputPath.require(freeFolder: destination, .run, force)
    }
    let checkpoint = try Checkpoint.open(base)
    if mask == nil && options.method.contains(.childD) {
      try options.maskRecipe.requireScope(in: checkpoint.configuration)
    }
    let taskBase = try TaskBase(checkpoint, for: try task.labels)
    let (data, metrics) = try task.read(
      labels: taskBase.headLabels(kind: task.headKind))
    reporter.note(leftOut: data.skippedRows)
    try options.loop.validate(
      data, metrics: metrics, layerCount: checkpoint.configuration.layerCount)
    reporter.log("\(data.train.count) examples to train on, \(data.dev.count) to evaluate on")
    let compute = computing.compute
    let manifest = RunManifest(
      task: task.task, basePath: base,
      baseFingerprint: try checkpoint.fingerprint(progress: reporter.progress),
      options: options.json, dataDigest: data.digest, labels: data.labels, metrics: metrics,
      mask: mask?.mask.digest, compute: compute)
    reporter.log("base \(manifest.baseFingerprint.hex), kernels \(manifest.kernels)")
    reporter.log("options \(JSONValue.object(manifest.options).compactText)")
    let job = FinetuneJob(
      folder: RunFolder(path: destination), base: taskBase, data: data,
      options: options, manifest: manifest, mask: mask, compute: compute,
      session: session(reporter))
    let result = try job.run(resumes: resume, replacesExisting: force.force)
    reporter.finish(schema: "ctk-finetune/1", result.json, text: RunText.summary(result))
  }

  /// Once steps are taken Control-C waits for the current one to be saved.
  private func session(_ reporter: Reporter) -> FinetuneSession {
    var session = FinetuneSession()
    session.saveInterval = saveInterval
    session.savesModel = saveModel
    session.plots = plot
    session.activations = memory.activations
    session.onProgress = reporter.progress
    session.onEvent = { event in
      Interruption.deferToCommand()
      reporter.event(event)
    }
    session.shouldStop = { Interruption.isRequested }
    session.peakMemoryBytes = { PeakMemory.bytes }
    return session
  }

  private func options(_ mask: ParameterMask?) throws -> FinetuneOptions {
    var options = FinetuneOptions()
    try method.fill(&options, mask)
    options.loop = try loop.options()
    options.epochs = epochs
    options.batchSize = batchSize
    options.learningRate = learningRate
    options.warmup = warmup
    options.weightDecay = weightDecay
    options.clippingNorm = clip
    options.maxLength = length.maxLength
    options.seed = seed
    try options.validate()
    return options
  }
}
