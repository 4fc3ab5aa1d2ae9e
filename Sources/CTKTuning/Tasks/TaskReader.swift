import CTKCore

/// Reads the examples of one task's files.
struct TaskReader {
  let folder: String
  let layout: TaskLayout
  let labels: LabelReader
  /// The parts of the data to keep.
  let splits: Set<Split>
  private(set) var train: [Example] = []
  private(set) var dev: [Example] = []
  private(set) var furtherDev: [EvaluationSet] = []
  private(set) var skippedRows = 0

  init(folder: String, layout: TaskLayout, labels: LabelReader, splits: Set<Split>) {
    self.folder = folder
    self.layout = layout
    self.labels = labels
    self.splits = splits
  }

  mutating func read() throws(TuningError) {
    switch layout.splits {
    case .files: try readFiles()
    case .pairList(let list, let columns):
      if Folder.fileExists(folder + "/" + list) {
        let devPairs = try pairs(list)
        try readRows(of: layout.trainFile, further: columns) {
          devPairs.contains(Array($0)) ? .dev : .train
        }
        try requireRows(splits)
      } else {
        try readFiles()
      }
    case .column(let name, let trainValue, let devValue):
      try readDivided(by: name, [trainValue: .train, devValue: .dev])
    }
  }

  private mutating func readFiles() throws(TuningError) {
    if splits.contains(.train) { try readRows(of: layout.trainFile) { _ in .train } }
    if splits.contains(.dev) {
      for part in layout.furtherDev where Folder.fileExists(folder + "/" + part.file) {
        try readRows(of: part.file) { _ in .dev }
        furtherDev.append(EvaluationSet(name: part.name, examples: dev))
        dev = []
      }
      try readRows(of: layout.devFile) { _ in .dev }
    }
    try requireRows(splits)
  }

  private mutating func readDivided(
    by column: String, _ values: [String: Split]
  ) throws(TuningError) {
    guard try file(layout.devFile, []).columnNames().contains(column) else {
      try readRows(of: layout.devFile) { _ in .dev }
      return try requireRows(splits.intersection([.dev]))
    }
    try readRows(of: layout.devFile, further: [.named(column)]) { cells in
      cells.first.flatMap { values[$0] }
    }
    try requireRows(splits)
  }

  private func pairs(_ list: String) throws(TuningError) -> Set<[String]> {
    var pairs: Set<[String]> = []
    let file = DataFile(
      path: folder + "/" + list, format: .tsv(hasHeader: false), columns: [.at(0), .at(1)])
    _ = try file.read { row in pairs.insert(row.cells) }
    return pairs
  }

  private func requireRows(_ splits: Set<Split>) throws(TuningError) {
    for split in Split.allCases where splits.contains(split) {
      guard (split == .train ? train : dev).isEmpty else { continue }
      throw TuningError(
        .dataEmpty, "the files have no rows for the \(split) examples", path: folder)
    }
  }
}

// MARK: Rows

extension TaskReader {
  private func file(_ name: String, _ columns: [Column]) -> DataFile {
    DataFile(
      path: folder + "/" + name,
      format: layout.isJSONLines ? .jsonLines : .tsv(hasHeader: layout.hasHeader),
      columns: columns, skipsShortRows: layout.hasMalformedRows)
  }

  /// The unlabelled rows of a test file, every one of them: the server counts lines.
  ///
  /// - Throws: `data.*` and the codes of files.
  func rows(of test: TaskLayout.Test) throws(TuningError) -> [Example] {
    let columns = test.text ?? layout.text
    let file = DataFile(
      path: folder + "/" + test.file, format: .tsv(hasHeader: true), columns: columns)
    var examples: [Example] = []
    _ = try file.read { row in
      examples.append(
        Example(
          text: row.cells[0], pair: row.cells.count == 2 ? row.cells[1] : nil, label: .none))
    }
    return examples
  }

  /// Reads the labelled rows of a file into the split that the cells of further columns say.
  private mutating func readRows(
    of name: String, further: [Column] = [], _ split: (ArraySlice<String>) -> Split?
  ) throws(TuningError) {
    let file = file(name, [layout.label] + layout.text + further)
    let textEnd = 1 + layout.text.count
    let skipped = try file.read { (row) throws(TuningError) in
      if row.cells[0] == layout.absentLabel {
        skippedRows += 1
        return
      }
      let label = try labels.label(row.cells[0], in: file, line: row.line)
      guard let split = split(row.cells[textEnd...]), splits.contains(split) else { return }
      let example = Example(
        text: row.cells[1], pair: textEnd == 3 ? row.cells[2] : nil, label: label)
      switch split {
      case .train: train.append(example)
      case .dev: dev.append(example)
      }
    }
    skippedRows += skipped
  }
}
