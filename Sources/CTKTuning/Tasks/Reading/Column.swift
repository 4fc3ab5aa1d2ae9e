/// Which column of a data file holds a cell.
enum Column: Sendable, Equatable, CustomStringConvertible {
  case named(String)
  /// The first of several names that the file has.
  case oneOf([String])
  /// A position from 0, in files without a header.
  case at(Int)

  var description: String {
    switch self {
    case .named(let name): "'\(name)'"
    case .oneOf(let names): names.map { "'\($0)'" }.joined(separator: " or ")
    case .at(let position): "at position \(position + 1)"
    }
  }

  /// The position under a header, which is empty where the file has none.
  func position(in header: [String]) -> Int? {
    switch self {
    case .named(let name): header.firstIndex(of: name)
    case .oneOf(let names): names.lazy.compactMap { header.firstIndex(of: $0) }.first
    case .at(let position): position
    }
  }
}
