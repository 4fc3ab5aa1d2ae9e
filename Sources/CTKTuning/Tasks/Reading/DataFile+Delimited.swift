import CTKCore

extension DataFile {
  /// Visits the records of a delimited text.
  func readDelimited(
    _ start: some RecordCursor, hasHeader: Bool,
    _ visit: (DataRow) throws(TuningError) -> Void
  ) throws(TuningError) -> Int {
    var records = start
    var header: [String] = []
    if hasHeader {
      guard try advance(&records) else { throw emptyFailure(0) }
      header = try names(of: records)
    }
    let positions = try positions(in: header)
    let needed = (positions.max() ?? -1) + 1
    var (rows, skipped) = (0, 0)
    while try advance(&records) {
      if records.fieldCount < needed {
        guard skipsShortRows else {
          throw failure(
            .dataTooFewColumns, line: records.line,
            "expected at least \(needed) columns, found \(records.fieldCount)")
        }
        skipped += 1
        continue
      }
      rows += 1
      try visit(DataRow(line: records.line, cells: try cells(positions, of: records)))
    }
    if rows == 0 { throw emptyFailure(skipped) }
    return skipped
  }

  private func advance(_ records: inout some RecordCursor) throws(TuningError) -> Bool {
    do {
      return try records.advance()
    } catch {
      throw failure(
        .dataRowInvalid, line: error.line, error.message,
        hint: "enclose such a field in quotes and double the quotes inside it")
    }
  }

  private func cells(
    _ positions: some Sequence<Int>, of records: some RecordCursor
  ) throws(TuningError) -> [String] {
    var cells: [String] = []
    for position in positions {
      guard let cell = records.field(position) else {
        throw failure(
          .dataNotUTF8, line: records.line, "column \(position + 1) is not UTF-8",
          hint: "convert the file to UTF-8")
      }
      cells.append(cell)
    }
    return cells
  }

  func names(of records: some RecordCursor) throws(TuningError) -> [String] {
    try cells(0..<records.fieldCount, of: records)
  }

  private func positions(in header: [String]) throws(TuningError) -> [Int] {
    var positions: [Int] = []
    for column in columns {
      guard let position = column.position(in: header) else {
        let found = header.map { "'\($0)'" }.joined(separator: ", ")
        throw TuningError(
          .dataColumnMissing, "expected a column \(column), found \(found)", path: path,
          hint: "the first line must name the columns")
      }
      positions.append(position)
    }
    return positions
  }
}
