import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKModel
import CTKPatch
import CTKTuning

struct MaskCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "mask",
    abstract: "Choose a task's child network by Fisher information.",
    discussion: """
      Exactly the share --keep of the weights in scope is selected.

      Examples:
        ctk mask --base base --task mrpc --data glue/MRPC --keep 0.1 --output mrpc.ctkmask
        ctk mask --base base --task cola --data glue/CoLA --keep 0.02 \\
          --scope 'layer\\.[45]\\.' --output cola.ctkmask
        ctk mask --base base --task rte --data glue/RTE --preset fish --output rte.ctkmask
        ctk mask --base base --task rte --score change --tuned tuned --output rte.ctkmask
      """)

  @Option(help: "Base checkpoint.")
  var base: String

  @OptionGroup var task: TaskOptions

  @OptionGroup var mask: MaskOptions

  @Option(name: [.customShort("o"), .customLong("output")], help: "Mask file to write.")
  var destination: String

  @Option(help: "Also write the scores as safetensors.")
  var scoresOutput: String?

  @OptionGroup var length: LengthOption

  @Option(help: "Seed of a new head, of the draws of examples and labels, and of random scores.")
  var seed: UInt64 = 42

  @OptionGroup var memory: MemoryOptions
  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var computing: ComputeOptions

  func perform(_ reporter: Reporter) throws {
    let recipe = try mask.recipe(seed: seed)
    try OutputPath.require(freeFile: destination, force)
    if let scoresOutput { try OutputPath.require(freeFile: scoresOutput, force) }
    let checkpoint = try Checkpoint.open(base)
    try recipe.requireScope(in: checkpoint.configuration)
    let taskBase = try TaskBase(checkpoint, for: try task.labels)
    let tuned = try mask.tuned.map { try SourceCheckpoint(path: $0) }
    let (examples, labels) = try examples(recipe, taskBase, reporter)
    let model = try TaskModel.load(taskBase, labels: labels, seed: seed)
    reporter.log("drawn from the seed: \(model.initialized.map { model.network.layout[$0].name })")
    let scores = try MaskScorer(
      model: model, maxLength: length.maxLength, keeping: memory.activations,
      compute: computing.compute
    ).scores(recipe, examples: examples, tuned: tuned, reporter.progress)
    let mask = try MaskBuilder(layout: model.network.layout).mask(
      scores, recipe, baseFingerprint: try checkpoint.fingerprint(progress: reporter.progress),
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

  /// Labels of the base's own head; without one the head's width matters to no score.
  private func headSpace(_ names: [String]?) -> LabelSpace {
    let names = names ?? ["LABEL_0"]
    return task.headKind == .tokens ? .tags(names) : .classes(names)
  }

  /// The training examples where the score needs them, and the labels of the head.
  private func examples(
    _ recipe: MaskRecipe, _ base: TaskBase, _ reporter: Reporter
  ) throws -> (examples: [Example], labels: LabelSpace) {
    let head = base.headLabels(kind: task.headKind)
    guard recipe.score.needsData else {
      return ([], try task.labels ?? headSpace(head))
    }
    let (data, _) = try task.read(labels: head)
    reporter.note(leftOut: data.skippedRows)
    reporter.log("\(data.train.count) examples to score with")
    return (data.train, data.labels)
  }
}
