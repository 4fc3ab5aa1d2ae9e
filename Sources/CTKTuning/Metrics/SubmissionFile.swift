/// Predictions as a table: a header `index<TAB>prediction`, then one line for each example.
package enum SubmissionFile {
  /// For the GLUE server: classes as the task's own files spell them, scores with three decimals.
  package static func text(task: TaskDefinition, logits: [[Float]]) -> String {
    let isScore = task.labels == .score
    return table(
      isScore
        ? logits.map { threeDecimals($0[0]) }
        : Metrics.predictions(logits).map { task.fileTexts[$0] })
  }

  /// For people: class names, scores with three decimals, or the labels of a sentence's words
  /// with blanks between them.
  package static func text(
    _ labels: LabelSpace, logits: [[Float]], of data: TokenizedDataset
  ) -> String {
    switch labels {
    case .classes(let names): return table(Metrics.predictions(logits).map { names[$0] })
    case .score: return table(logits.map { threeDecimals($0[0]) })
    case .tags(let names):
      let judge = Judge(labels: labels, metrics: [])
      return table(
        logits.indices.map { example in
          judge.tags(logits[example], of: data, example: example).map { names[$0] }
            .joined(separator: " ")
        })
    }
  }

  private static func table(_ predictions: [String]) -> String {
    predictions.enumerated().reduce(into: "index\tprediction\n") { text, entry in
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
