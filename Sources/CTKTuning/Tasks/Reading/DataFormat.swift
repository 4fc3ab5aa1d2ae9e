/// How a data file separates its rows and columns.
enum DataFormat: Sendable, Equatable {
  case tsv(hasHeader: Bool)
  /// RFC 4180, with a header.
  case csv
  /// One object on each line.
  case jsonLines
}
