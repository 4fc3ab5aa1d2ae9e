import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKModel
import CTKPatch
import CTKSafetensors
import CTKTuning

struct MaskCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "mask",
    abstract: "Choose a task's child network by Fisher information.",
    discussion: """
      Exactly the share --keep of the weights in scope is selected.

      Examples:
        ctk mask --base base --task mrpc --data glue/MRPC --keep 0.1 --output mrpc.mask
        ctk mask --base base --task cola --data glue/CoLA --keep 0.02 \\
          --scope 'layer\\.[45]\\.' --output cola.mask
      """)

  @Option(help: "Base checkpoint.")
  var base: String

  @OptionGroup var task: TaskOptions

  @Option(help: "Share of the scored weights in the child, above 0 and at most 1.")
  var keep = 0.1

  @Option(name: [.customShort("o"), .customLong("output")], help: "Mask file to write.")
  var destination: String

  @Option(help: "Rank weights by fisher, magnitude, random or lowest-fisher.")
  var score = "fisher"

  @Option(help: "Square gradients of each example or of each batch.")
  var fisher = "example"

  @Option(help: "Dropout during the Fisher pass: on or off.")
  var dropout = "off"

  @Option(help: "Weights to score: encoder, all, or a regular expression over names.")
  var scope = "encoder"

  @Option(help: "Use at most this many training examples.")
  var examples: Int?

  @Option(help: "Also write the scores as safetensors.")
  var scoresOutput: String?

  @OptionGroup var length: LengthOption

  @Option(help: "Seed of a new head, of the draw of examples and of random scores.")
  var seed: UInt64 = 42

  @OptionGroup var memory: MemoryOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    guard let score = MaskScore(rawValue: score) else {
      throw ValidationError("--score must be fisher, magnitude, random or lowest-fisher")
    }
    guard keep > 0, keep <= 1 else {
      throw TuningError(.keepInvalid, "--keep is \(keep), it must be above 0 and at most 1")
    }
    let settings = try fisherSettings()
    try OutputPath.require(freeFile: destination, force)
    if let scoresOutput { try OutputPath.require(freeFile: scoresOutput, force) }
    let checkpoint = try Checkpoint.open(base)
    let (data, _) = try task.read(labels: TaskModel.headLabels(of: checkpoint))
    reporter.note(leftOut: data.skippedRows)
    reporter.log("\(data.train.count) examples to score with")
    let model = try TaskModel.load(checkpoint, labels: data.labels, seed: seed)
    reporter.log("drawn from the seed: \(model.initialized.map { model.network.layout[$0].name })")
    let scores = try MaskScorer(
      model: model, maxLength: length.maxLength, keeping: memory.activations,
      compute: threads.compute
    ).scores(score, scope: ParameterScope(scope), data: data, settings, reporter.progress)
    let mask = try MaskBuilder(layout: model.network.layout).mask(
      scores, keep: keep, score: score, baseFingerprint: try checkpoint.fingerprint(),
      provenance: Provenance(task: task.task, method: "child-d", tool: Version.text))
    try mask.write(to: destination, replacesExisting: force.force)
    if let scoresOutput {
      try ScoresFile.write(
        scores, layout: model.network.layout, to: scoresOutput, replacesExisting: force.force)
    }
    var fields = mask.json
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: "ctk-mask/1", fields, text: MaskText.table(mask))
  }

  private func fisherSettings() throws -> FisherEstimator.Settings {
    var settings = FisherEstimator.Settings()
    guard let granularity = FisherGranularity(rawValue: fisher) else {
      throw ValidationError("--fisher must be example or batch")
    }
    guard dropout == "on" || dropout == "off" else {
      throw ValidationError("--dropout must be on or off")
    }
    if let examples, examples < 1 { throw ValidationError("--examples must be at least 1") }
    settings.granularity = granularity
    settings.usesDropout = dropout == "on"
    settings.exampleLimit = examples
    settings.seed = seed
    return settings
  }
}
