/// Rows of text in aligned columns.
struct Table {
  private var rows: [[String]]
  private let alignsRight: [Bool]

  /// - Parameter columns: titles; those that begin with ">" hold numbers and align right.
  init(_ columns: [String]) {
    alignsRight = columns.map { $0.hasPrefix(">") }
    rows = [columns.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }]
  }

  mutating func add(_ cells: [String]) {
    precondition(cells.count == alignsRight.count)
    rows.append(cells)
  }

  var text: String {
    let widths = alignsRight.indices.map { column in
      rows.map { $0[column].count }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return alignsRight[column] ? space + cell : cell + space
      }
      var line = cells.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
