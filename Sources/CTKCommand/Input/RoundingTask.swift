import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKModel
import CTKTensor
import CTKTuning

/// The task by which a rounded model is compared with the one before.
struct RoundingTaskOptions: ParsableArguments {
  @Option(help: "With --round: compute this task's metrics before and after.")
  var task: String?

  @Option(help: "Folder with the task's public files.")
  var data: String?

  @OptionGroup var length: LengthOption

  init() {}

  func validate() throws {
    if (task == nil) != (data == nil) { throw ValidationError("--task and --data go together") }
  }
}

/// A task's metrics for weights that are at hand.
struct TaskMeter {
  let checkpoint: Checkpoint
  let compute: Compute
  private let data: TaskData
  private let judge: Judge
  private let maxLength: Int

  /// - Returns: nil when no task was asked for.
  init?(
    _ options: RoundingTaskOptions, _ checkpoint: Checkpoint, _ compute: Compute
  ) throws(TuningError) {
    guard let task = options.task, let folder = options.data else { return nil }
    let definition = try TaskDefinition.named(task)
    data = try definition.read(folder: folder)
    judge = Judge(labels: data.labels, metrics: definition.metrics)
    maxLength = options.length.maxLength
    self.checkpoint = checkpoint
    self.compute = compute
  }

  func results(
    of weights: any TensorSource, progress: ProgressHandler?
  ) throws -> [MetricResult] {
    let model = try TaskModel.load(
      TaskBase(checkpoint), weights: weights, headKind: .sequence, labels: data.labels, seed: nil)
    let dataset = model.tokenize(
      data.dev, maxLength: maxLength, compute: compute, progress: progress)
    let evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: compute)
    return judge.results(
      logits: try evaluator.logits(of: dataset, progress: progress), of: dataset)
  }
}
