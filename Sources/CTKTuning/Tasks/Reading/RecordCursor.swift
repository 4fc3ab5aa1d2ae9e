/// The records of a delimited text, one after the other.
protocol RecordCursor {
  /// Line on which the current record begins, from 1.
  var line: Int { get }
  /// Fields of the current record.
  var fieldCount: Int { get }
  /// Goes to the next record; false at the end.
  mutating func advance() throws(RecordFault) -> Bool
  /// A field of the current record, or nil where it is not UTF-8.
  func field(_ index: Int) -> String?
}

/// A record that breaks the rules of its format.
struct RecordFault: Error {
  let line: Int
  let message: String
}
