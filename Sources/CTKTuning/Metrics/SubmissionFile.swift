/// Predictions in the format that the GLUE server reads.
package enum SubmissionFile {
  /// A header `index<TAB>prediction`, then one line for each example: the class name, or the
  /// score with three decimals.
  package static func text(task: TaskDefinition, logits: [[Float]]) -> String {
    text(labels: task.labels, logits: logits)
  }

  /// The same for the labels of a custom task.
  package static func text(labels: LabelSpace, logits: [[Float]]) -> String {
    let predictions =
      switch labels {
      case .classes(let names): Metrics.predictions(logits).map { names[$0] }
      case .score: logits.map { threeDecimals($0[0]) }
      }
    return predictions.enumerated().reduce(into: "index\tprediction\n") { text, entry in
      text += "\(entry.offset)\t\(entry.element)\n"
    }
  }

  /// Rounded to the nearest thousandth, ties to even; exact, since 1000 times a
  /// float of 24 bits fits a double.
  private static func threeDecimals(_ score: Float) -> String {
    let thousandths = (Double(score) * 1000).rounded(.toNearestOrEven)
    guard let whole = Int(exactly: thousandths) else { return "\(score)" }
    let (digits, decimals) = whole.magnitude.quotientAndRemainder(dividingBy: 1000)
    let padding = String(repeating: "0", count: 3 - String(decimals).count)
    return "\(whole < 0 ? "-" : "")\(digits).\(padding)\(decimals)"
  }
}
