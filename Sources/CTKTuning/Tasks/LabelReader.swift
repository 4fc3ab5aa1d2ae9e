/// Reads the label column of one task.
enum LabelReader {
  /// Ids by the text that stands for a class in the files.
  case classes([String: Int])
  case score

  /// - Throws: `data.label-unknown`, `data.row-invalid` for a score that is not a finite number.
  func label(_ text: String, in file: DataFile, line: Int) throws(TuningError) -> Label {
    switch self {
    case .classes(let ids):
      guard let id = ids[text] else {
        let known = ids.sorted { $0.value < $1.value }.map { "'\($0.key)'" }
        throw file.failure(
          .dataLabelUnknown, line: line,
          "expected one of the labels \(known.joined(separator: ", ")), found '\(text)'")
      }
      return .classID(id)
    case .score:
      guard let score = Float(text), score.isFinite else {
        throw file.failure(
          .dataRowInvalid, line: line, "expected a score, found '\(text)'")
      }
      return .score(score)
    }
  }
}
