import CTKCore

/// A user's own data: TSV, CSV or JSON Lines, told by the files' suffixes.
package struct CustomTask: Sendable {
  package let trainFile: String?
  package let devFile: String?
  /// One column, or two for pairs.
  package let textColumns: [String]
  package let labelColumn: String
  package let isRegression: Bool

  package init(
    trainFile: String?, devFile: String?, textColumns: [String], labelColumn: String,
    isRegression: Bool
  ) {
    self.trainFile = trainFile
    self.devFile = devFile
    self.textColumns = textColumns
    self.labelColumn = labelColumn
    self.isRegression = isRegression
  }

  package var metrics: [Metric] {
    isRegression ? [.pearson, .spearman] : [.accuracy, .macroF1]
  }

  /// Reads the files that are given; the other part stays empty.
  ///
  /// - Parameter labels: class names by id, such as a model's own; nil takes the labels of the
  ///   training file, sorted by UTF-8 bytes.
  /// - Throws: `options.invalid`, `data.missing`, `data.empty`, `data.not-utf8`,
  ///   `data.column-missing`, `data.too-few-columns`, `data.label-unknown`, `data.row-invalid`,
  ///   and those of files.
  package func read(labels: [String]?) throws(TuningError) -> TaskData {
    try validate()
    let train = try trainFile.map { (path) throws(TuningError) in try LabelledFile(self, path) }
    let dev = try devFile.map { (path) throws(TuningError) in try LabelledFile(self, path) }
    let space = try labelSpace(labels, train)
    let reader = labelReader(space)
    return TaskData(
      train: try train?.examples(reader) ?? [], dev: try dev?.examples(reader) ?? [],
      labels: space, skippedRows: 0)
  }

  private func validate() throws(TuningError) {
    guard trainFile != nil || devFile != nil else {
      throw TuningError(
        .optionInvalid, "a custom task needs data", hint: "name a training file or a dev file")
    }
    guard (1...2).contains(textColumns.count) else {
      throw TuningError(
        .optionInvalid, "expected one or two text columns, found \(textColumns.count)")
    }
  }

  private func labelSpace(
    _ labels: [String]?, _ train: LabelledFile?
  ) throws(TuningError) -> LabelSpace {
    if isRegression { return .score }
    if let labels {
      guard !labels.isEmpty, Set(labels).count == labels.count else {
        throw TuningError(.optionInvalid, "expected distinct class names, found \(labels)")
      }
      return .classes(labels)
    }
    guard let train else {
      throw TuningError(
        .optionInvalid, "the classes are unknown without a training file",
        hint: "name a training file, or use a model whose configuration names its labels")
    }
    let found = Set(train.rows.map { $0.cells[0] })
    return .classes(found.sorted { utf8Precedes($0, $1) })
  }

  private func labelReader(_ space: LabelSpace) -> LabelReader {
    switch space {
    case .classes(let names), .tags(let names):
      .classes(Dictionary(uniqueKeysWithValues: zip(names, names.indices)))
    case .score: .score
    }
  }
}

/// The rows of one of the files, before their labels are looked up.
private struct LabelledFile {
  let file: DataFile
  let rows: [DataRow]

  init(_ task: CustomTask, _ path: String) throws(TuningError) {
    file = DataFile(
      path: path, format: try Self.format(path),
      columns: ([task.labelColumn] + task.textColumns).map { .named($0) })
    var rows: [DataRow] = []
    _ = try file.read { row in rows.append(row) }
    self.rows = rows
  }

  func examples(_ labels: LabelReader) throws(TuningError) -> [Example] {
    var examples: [Example] = []
    examples.reserveCapacity(rows.count)
    for row in rows {
      examples.append(
        Example(
          text: row.cells[1], pair: row.cells.count == 3 ? row.cells[2] : nil,
          label: try labels.label(row.cells[0], in: file, line: row.line)))
    }
    return examples
  }

  private static func format(_ path: String) throws(TuningError) -> DataFormat {
    let name = path.lowercased()
    if name.hasSuffix(".tsv") || name.hasSuffix(".txt") { return .tsv(hasHeader: true) }
    if name.hasSuffix(".csv") { return .csv }
    if name.hasSuffix(".jsonl") || name.hasSuffix(".ndjson") { return .jsonLines }
    throw TuningError(
      .optionInvalid, "the suffix of a data file tells its format", path: path,
      hint: "use .tsv, .csv or .jsonl")
  }
}
