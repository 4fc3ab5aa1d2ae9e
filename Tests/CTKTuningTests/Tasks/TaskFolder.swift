import CTKTestSupport
import CTKTuning

/// A temporary folder with small task files.
struct TaskFolder {
  private let folder = TemporaryFolder()

  init(_ files: KeyValuePairs<String, String>) throws {
    for (name, text) in files { try folder.write(name, Array(text.utf8)) }
  }

  init(_ name: String, bytes: [UInt8]) throws { try folder.write(name, bytes) }

  var path: String { folder.path }

  func read(_ task: String, _ splits: Set<Split> = [.train, .dev]) throws -> TaskData {
    try TaskDefinition.named(task).read(folder: path, splits: splits)
  }

  func custom(
    train: String? = nil, dev: String? = nil, text: [String] = ["text"],
    label: String = "label", isRegression: Bool = false
  ) -> CustomTask {
    CustomTask(
      trainFile: train.map(folder.file), devFile: dev.map(folder.file), textColumns: text,
      labelColumn: label, isRegression: isRegression)
  }
}

/// A table with its header, cells separated by tabs.
func table(_ rows: [String]...) -> String {
  rows.map { $0.joined(separator: "\t") + "\n" }.joined()
}
