import Foundation

/// Runs of two commands in turn, so that a change of the machine's speed meets both.
struct Comparison {
  private var first: [Measurement] = []
  private var second: [Measurement] = []

  init(_ firstCommand: String, _ secondCommand: String, rounds: Int) throws(CommandFailure) {
    for _ in 0..<rounds {
      first.append(try Measurement(of: firstCommand))
      second.append(try Measurement(of: secondCommand))
    }
  }

  /// Medians of every figure that either command has, as Markdown.
  var table: String {
    var lines = ["| figure | A | B | A/B |", "| --- | --- | --- | --- |"]
    for figure in Figure.allCases {
      let a = Self.median(first.compactMap { $0.values[figure] })
      let b = Self.median(second.compactMap { $0.values[figure] })
      if a == nil && b == nil { continue }
      var ratio: Double?
      if let a, let b, b != 0 { ratio = a / b }
      let cells = [a.map { $0 * figure.scale }, b.map { $0 * figure.scale }, ratio].map(Self.text)
      lines.append("| \(figure.title) | \(cells.joined(separator: " | ")) |")
    }
    return lines.joined(separator: "\n")
  }

  private static func text(_ value: Double?) -> String {
    value.map { String(format: "%.3f", $0) } ?? "-"
  }

  /// The middle value, or the mean of the two in the middle.
  private static func median(_ values: [Double]) -> Double? {
    if values.isEmpty { return nil }
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
