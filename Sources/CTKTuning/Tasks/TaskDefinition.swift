import CTKCore

/// A public task: its labels, its metrics and the layout of its files.
package struct TaskDefinition: Sendable {
  package let name: String
  package let labels: LabelSpace
  package let metrics: [Metric]
  /// Text of each class in the files, in the order of the ids; empty for scores.
  let fileTexts: [String]
  /// The layouts the task is published in; the first with a file in the folder is read.
  let layouts: [TaskLayout]

  /// The task of a name.
  ///
  /// - Throws: `task.unknown`.
  package static func named(_ name: String) throws(TuningError) -> TaskDefinition {
    guard let task = all.first(where: { $0.name == name }) else {
      let known = all.map(\.name).joined(separator: ", ")
      throw TuningError(
        .taskUnknown, "'\(name)' is not a task", hint: "tasks are \(known) and custom")
    }
    return task
  }

  /// Reads the task's files from a folder in the layout they are published in.
  ///
  /// Training examples are empty where the data has no split.
  ///
  /// - Throws: `data.missing`, `data.empty`, `data.not-utf8`, `data.column-missing`,
  ///   `data.too-few-columns`, `data.label-unknown`, `data.row-invalid`, and those of files.
  package func read(
    folder: String, splits: Set<Split> = [.train, .dev]
  ) throws(TuningError) -> TaskData {
    var reader = TaskReader(
      folder: folder, layout: try layout(in: folder), labels: labelReader, splits: splits)
    try reader.read()
    return TaskData(
      train: reader.train, dev: reader.dev, labels: labels, skippedRows: reader.skippedRows)
  }

  private var labelReader: LabelReader {
    if labels == .score { return .score }
    return .classes(
      Dictionary(uniqueKeysWithValues: zip(fileTexts, fileTexts.indices)))
  }

  private func layout(in folder: String) throws(TuningError) -> TaskLayout {
    let found = layouts.first { layout in
      [layout.trainFile, layout.devFile].contains { Folder.fileExists(folder + "/" + $0) }
    }
    guard let found else {
      let expected = layouts.map { layout in
        layout.trainFile == layout.devFile
          ? layout.trainFile : "\(layout.trainFile) and \(layout.devFile)"
      }
      throw TuningError(
        .dataMissing, "the files of task '\(name)' are not here", path: folder,
        hint: "expected \(expected.joined(separator: ", or "))")
    }
    return found
  }
}
