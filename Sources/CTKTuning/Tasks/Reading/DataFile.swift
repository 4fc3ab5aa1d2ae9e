import CTKCore

/// A row's cells, in the order the columns were asked for.
struct DataRow {
  let line: Int
  let cells: [String]
}

/// A file of rows, of which some columns are read.
struct DataFile {
  let path: String
  let format: DataFormat
  let columns: [Column]
  /// Whether rows with too few columns are counted instead of refused.
  var skipsShortRows = false

  /// Visits every row in order and returns how many were skipped.
  ///
  /// - Throws: `data.missing`, `data.empty`, `data.not-utf8`, `data.column-missing`,
  ///   `data.too-few-columns`, `data.row-invalid`, those of files, and what `visit` throws.
  func read(
    _ visit: (DataRow) throws(TuningError) -> Void
  ) throws(TuningError) -> Int {
    let file = try open()
    return try file.withBytes { (bytes) throws(TuningError) in
      switch format {
      case .tsv(let hasHeader):
        try readDelimited(TSVRecords(bytes), hasHeader: hasHeader, visit)
      case .csv:
        try readDelimited(CSVRecords(bytes), hasHeader: true, visit)
      case .jsonLines:
        try readJSONLines(LineCursor(bytes), visit)
      }
    }
  }

  /// Names in the header of a tab-separated file.
  ///
  /// - Throws: `data.missing`, `data.empty`, `data.not-utf8`, and those of files.
  func columnNames() throws(TuningError) -> [String] {
    let file = try open()
    return try file.withBytes { (bytes) throws(TuningError) in
      var records = TSVRecords(bytes)
      guard records.advance() else { throw emptyFailure(0) }
      return try names(of: records)
    }
  }

  /// A failure at a line of this file.
  func failure(
    _ code: TuningErrorCode, line: Int, _ message: String, hint: String? = nil
  ) -> TuningError {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return TuningError(code, "\(name):\(line): \(message)", path: path, hint: hint)
  }

  func open() throws(TuningError) -> MappedFile {
    guard Folder.fileExists(path) else {
      throw TuningError(
        .dataMissing, "no such data file", path: path,
        hint: "check the path of the task's data")
    }
    return try TuningError.wrap { () throws(CoreError) in try MappedFile(path: path) }
  }

  func emptyFailure(_ skipped: Int) -> TuningError {
    let found = skipped == 0 ? "no rows" : "only rows with too few columns (\(skipped))"
    return TuningError(.dataEmpty, "expected rows of data, found \(found)", path: path)
  }
}
