import CTKCore

extension DataFile {
  /// Visits the objects of JSON Lines; columns are the names of members.
  func readJSONLines(
    _ start: LineCursor, _ visit: (DataRow) throws(TuningError) -> Void
  ) throws(TuningError) -> Int {
    var lines = start
    let names = columns.map { column in
      guard case .named(let name) = column else {
        preconditionFailure("a member of a JSON object has a name")
      }
      return name
    }
    var rows = 0
    while let line = lines.next() {
      let value = try parse(line, number: lines.number)
      var cells: [String] = []
      for name in names {
        cells.append(try cell(name, of: value, line: lines.number))
      }
      rows += 1
      try visit(DataRow(line: lines.number, cells: cells))
    }
    if rows == 0 { throw emptyFailure(0) }
    return 0
  }

  private func parse(
    _ line: UnsafeRawBufferPointer, number: Int
  ) throws(TuningError) -> JSONObject {
    let value: JSONValue
    do {
      value = try JSONParser.parse(line)
    } catch {
      let isEncoding = error.code == CoreErrorCode.jsonNotUTF8.rawValue
      throw failure(isEncoding ? .dataNotUTF8 : .dataRowInvalid, line: number, error.message)
    }
    guard let object = value.objectValue else {
      throw failure(.dataRowInvalid, line: number, "expected a JSON object")
    }
    return object
  }

  private func cell(
    _ name: String, of object: JSONObject, line: Int
  ) throws(TuningError) -> String {
    switch object[name] {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .unsigned(let number): return String(number)
    case .real(let number): return number.description
    case .bool(let flag): return flag ? "true" : "false"
    case nil:
      throw failure(.dataColumnMissing, line: line, "expected a member '\(name)', found none")
    case .null, .array, .object:
      throw failure(
        .dataRowInvalid, line: line, "expected '\(name)' to be a string or a number")
    }
  }
}
