import ArgumentParser
import CTKCore
import CTKTuning

/// Which task, and where its data lies.
struct TaskOptions: ParsableArguments {
  @Option(help: "The task: \(TaskOptions.knownTasks), or custom.")
  var task: String

  @Option(help: "Folder with the task's public files.")
  var data: String?

  @Option(help: "Training file of a custom task (.tsv, .csv or .jsonl).")
  var train: String?

  @Option(help: "Evaluation file of a custom task.")
  var dev: String?

  @Option(help: "Text column of a custom task, or two of them as A,B.")
  var textColumns = "text"

  @Option(help: "Label column of a custom task.")
  var labelColumn = "label"

  @Flag(help: "The custom task's labels are numbers to predict.")
  var regression = false

  init() {}

  static var knownTasks: String { TaskDefinition.all.map(\.name).joined(separator: ", ") }

  var isCustom: Bool { task == "custom" }

  /// Labels of a public task, which are known without its data; nil for a custom one.
  var labels: LabelSpace? {
    get throws(TuningError) { isCustom ? nil : try TaskDefinition.named(task).labels }
  }

  /// Reads the examples and tells how they are judged.
  ///
  /// - Parameter labels: names of the model's own head, which fix the ids of a custom task.
  func read(labels: [String]? = nil) throws(TuningError) -> (data: TaskData, metrics: [Metric]) {
    if isCustom {
      let custom = CustomTask(
        trainFile: train, devFile: dev,
        textColumns: textColumns.split(separator: ",").map(String.init),
        labelColumn: labelColumn, isRegression: regression)
      return (try custom.read(labels: labels), custom.metrics)
    }
    let definition = try TaskDefinition.named(task)
    guard let data else {
      throw TuningError(
        .optionInvalid, "--data is missing", hint: "give the folder with the files of '\(task)'")
    }
    return (try definition.read(folder: data), definition.metrics)
  }
}
