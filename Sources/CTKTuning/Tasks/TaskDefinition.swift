import CTKCore

/// A public task: its labels, its metrics and the layout of its files.
package struct TaskDefinition: Sendable {
  package let name: String
  package let labels: LabelSpace
  package let metrics: [Metric]
  /// Text of each class in the files, in the order of the ids; empty for scores.
  package let fileTexts: [String]
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
      train: reader.train, dev: reader.dev, furtherDev: reader.furtherDev, labels: labels,
      skippedRows: reader.skippedRows)
  }

  /// Unlabelled examples of which the GLUE server wants predictions.
  package struct TestSet: Sendable {
    /// Name of the server's file, such as `MNLI-mm.tsv`.
    package let fileName: String
    package let examples: [Example]
  }

  /// Reads the task's test files.
  ///
  /// - Throws: `options.invalid` for a task that is not of GLUE, `data.missing`, `data.empty`,
  ///   `data.not-utf8`, `data.column-missing`, `data.too-few-columns`, and those of files.
  package func readTests(folder: String) throws(TuningError) -> [TestSet] {
    let layout = try layout(in: folder)
    if layout.tests.isEmpty {
      throw TuningError(
        .optionInvalid, "the GLUE server has no test set for task '\(name)'",
        hint: "--predictions writes the predictions for the evaluation set")
    }
    let reader = TaskReader(folder: folder, layout: layout, labels: labelReader, splits: [])
    var sets: [TestSet] = []
    for test in layout.tests
    where !test.isOptional || Folder.fileExists(folder + "/" + test.file) {
      sets.append(TestSet(fileName: test.name + ".tsv", examples: try reader.rows(of: test)))
    }
    return sets
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
