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

  @OptionGroup var masks: MaskFileOptions
  @OptionGroup var length: LengthOption

  @Option(
    help: """
      Write the predictions for the evaluation set as a table; those of a further set, such \
      as MNLI's mismatched one, into a second file with its name before the suffix.
      """)
  var predictions: String?

  @Option(
    help: "Folder for the GLUE server's files: the predictions for the task's test sets.")
  var submission: String?

  @Option(help: "Draw a missing head from this seed, to see an untuned model's level.")
  var headSeed: UInt64?

  @OptionGroup var force: ForceOption
  @OptionGroup var output: OutputOptions
  @OptionGroup var computing: ComputeOptions

  func perform(_ reporter: Reporter) throws {
    let patched = try PatchedCheckpoint(base: base, patch: patch, masks: try masks.read())
    let names = patched.hasHead ? patched.configuration.labels : nil
    let tests = try submission.map { try testSets(in: $0) }
    let (data, metrics) = try task.read(labels: names)
    reporter.note(leftOut: data.skippedRows)
    if data.dev.isEmpty { throw TuningError(.dataEmpty, "there are no evaluation examples") }
    let sets = data.evaluationSets
    let files = try predictions.map { try predictionFiles($0, sets) }
    let model = try TaskModel.load(
      TaskBase(patched.base), weights: patched.weights, headKind: patched.headKind,
      labels: data.labels, seed: headSeed)
    let judge = Judge(labels: data.labels, metrics: metrics)
    var results: [MetricResult] = []
    for (place, set) in sets.enumerated() {
      let (dataset, logits) = try logits(model, set.examples, reporter)
      results += judge.results(logits: logits, of: dataset, set: set.name)
      if let files {
        try write(SubmissionFile.text(data.labels, logits: logits, of: dataset), to: files[place])
      }
    }
    for test in tests?.sets ?? [] {
      guard let tests else { break }
      let (_, logits) = try logits(model, test.examples, reporter)
      try write(SubmissionFile.text(task: tests.task, logits: logits), to: tests.path(of: test))
    }
    report(results, examples: sets.map(\.examples.count).reduce(0, +), reporter)
  }

  private func logits(
    _ model: TaskModel, _ examples: [Example], _ reporter: Reporter
  ) throws -> (TokenizedDataset, [[Float]]) {
    let compute = computing.compute
    let dataset = model.tokenize(
      examples, maxLength: length.maxLength, compute: compute, progress: reporter.progress)
    reporter.log("\(examples.count) examples of \(dataset.tokenCount) tokens")
    let evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: compute)
    return (dataset, try evaluator.logits(of: dataset, progress: reporter.progress))
  }

  // MARK: Files

  /// Test sets and the folder that their predictions go to.
  private struct Tests {
    let task: TaskDefinition
    let sets: [TaskDefinition.TestSet]
    let folder: String

    func path(of set: TaskDefinition.TestSet) -> String { folder + "/" + set.fileName }
  }

  private func testSets(in folder: String) throws -> Tests {
    let (definition, sets) = try task.readTests()
    let tests = Tests(task: definition, sets: sets, folder: folder)
    try OutputPath.requireParent(of: folder)
    for set in sets { try OutputPath.require(freeFile: tests.path(of: set), force) }
    try Folder.create(folder)
    return tests
  }

  /// One file for each evaluation set.
  private func predictionFiles(_ path: String, _ sets: [EvaluationSet]) throws -> [String] {
    let paths = sets.map { set in
      guard let name = set.name else { return path }
      let file = path.split(separator: "/").last ?? ""
      guard let dot = file.lastIndex(of: "."), dot > file.startIndex else {
        return "\(path)-\(name)"
      }
      return "\(path.dropLast(file[dot...].count))-\(name)\(file[dot...])"
    }
    for path in paths { try OutputPath.require(freeFile: path, force) }
    return paths
  }

  private func write(_ text: String, to path: String) throws {
    var file = try AtomicFile(path: path, replacesExisting: force.force)
    try file.write(text)
    try file.commit()
  }

  // MARK: Result

  private func report(_ results: [MetricResult], examples: Int, _ reporter: Reporter) {
    var values = JSONObject()
    var table = Table(["metric", ">value"])
    for result in results {
      values[result.name] = .real(result.value)
      table.add([result.name, Humanize.fixed(result.value, 4)])
    }
    let fields = JSONObject([
      "task": .string(task.task), "examples": .integer(examples), "metrics": .object(values),
      "seconds": .real(reporter.seconds), "peak_memory_bytes": .integer(PeakMemory.bytes),
    ])
    reporter.finish(schema: "ctk-evaluate/1", fields, text: table.text)
  }
}
