import CTKCore
import CTKPatch

/// Overlap ratios as tables for people.
enum OverlapText {
  static func table(_ report: OverlapReport, labels: [String]) -> String {
    var matrix = Table(
      ["", "weights", ">selected"] + labels.indices.map { ">\($0 + 1)" })
    for (row, label) in labels.enumerated() {
      matrix.add(
        ["\(row + 1)", label, Humanize.count(report.selected[row])]
          + labels.indices.map { "\(Humanize.percent(report.ratio(row, in: $0))) %" })
    }
    var pairs = Table([
      "pair", ">common", ">ratio", ">by chance", ">by chance in tensors", ">jaccard",
    ])
    for pair in report.pairs {
      let (first, second) = (pair.first, pair.second)
      pairs.add([
        "\(first + 1) in \(second + 1)", Humanize.count(pair.common),
        "\(Humanize.percent(report.ratio(first, in: second))) %",
        "\(Humanize.percent(report.chance(first, in: second))) %",
        "\(Humanize.percent(report.chanceInTensors(first, in: second))) %",
        Humanize.fixed(report.jaccard(pair), 4),
      ])
    }
    return "\(matrix.text)\n\n\(pairs.text)"
  }
}
