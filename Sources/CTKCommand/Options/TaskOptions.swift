import ArgumentParser
import CTKCore
import CTKModel
import CTKTuning

/// Which task, and where its data lies.
struct TaskOptions: ParsableArguments {
  @Option(
    help: """
      The task: \(TaskOptions.knownTasks), conll2003, tokens (your own labelled words) or custom.
      """)
  var task: String

  @Option(help: "Folder with the task's public files.")
  var data: String?

  @Option(help: "Training file of a custom task (.tsv, .csv or .jsonl), or of tokens (CoNLL).")
  var train: String?

  @Option(help: "Evaluation file of a custom task or of tokens.")
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

  private static let tokens = "tokens"
  private static let conll2003 = "conll2003"

  /// What the task's head predicts labels for.
  var headKind: HeadKind {
    task == Self.tokens || task == Self.conll2003 ? .tokens : .sequence
  }

  /// Labels of a public task, which are known without its data; nil for one of the user's own.
  var labels: LabelSpace? {
    get throws(TuningError) {
      switch task {
      case "custom", Self.tokens: nil
      case Self.conll2003: .tags(TokenTask.conll2003Tags)
      default: try TaskDefinition.named(task).labels
      }
    }
  }

  /// Reads the examples and tells how they are judged.
  ///
  /// - Parameter labels: names of the model's own head, which fix the ids of a custom task.
  func read(labels: [String]? = nil) throws(TuningError) -> (data: TaskData, metrics: [Metric]) {
    if headKind == .tokens {
      let data = try tokenTask().read(labels: task == Self.tokens ? labels : nil)
      return (data, TagMetrics(names: data.labels.names).metrics)
    }
    if isCustom {
      let custom = CustomTask(
        trainFile: train, devFile: dev,
        textColumns: textColumns.split(separator: ",").map(String.init),
        labelColumn: labelColumn, isRegression: regression)
      return (try custom.read(labels: labels), custom.metrics)
    }
    let definition = try TaskDefinition.named(task)
    return (try definition.read(folder: try folder()), definition.metrics)
  }

  /// The public task with its test sets.
  func readTests() throws(TuningError) -> (TaskDefinition, [TaskDefinition.TestSet]) {
    let definition = try TaskDefinition.named(task)
    return (definition, try definition.readTests(folder: try folder()))
  }

  private func tokenTask() throws(TuningError) -> TokenTask {
    if task == Self.conll2003 { return try TokenTask.conll2003(folder: try folder()) }
    return TokenTask(trainFile: train, devFile: dev)
  }

  private func folder() throws(TuningError) -> String {
    guard let data else {
      throw TuningError(
        .optionInvalid, "--data is missing", hint: "give the folder with the files of '\(task)'")
    }
    return data
  }
}
