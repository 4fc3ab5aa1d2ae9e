import CTKModel
import CTKTensor
import Foundation

/// What a twin minimises, and the same for the network under test.
enum TwinObjective: Sendable {
  case classes([Int])
  case scores([Double])
  /// Classes of tokens; negative for none.
  case tokens([Int])
  /// Classes of the first half of the rows, and the divergence between both halves.
  case consistent([Int], weight: Double)

  var headKind: HeadKind {
    if case .tokens = self { .tokens } else { .sequence }
  }

  var labelCount: Int {
    if case .scores = self { 1 } else { 3 }
  }

  /// Sum over the rows.
  func loss(_ logits: [[Double]]) -> Double {
    switch self {
    case .classes(let ids), .tokens(let ids):
      return zip(logits, ids).map { $1 < 0 ? 0 : -Self.logSoftmax($0)[$1] }.reduce(0, +)
    case .scores(let scores):
      return zip(logits, scores).map { ($0[0] - $1) * ($0[0] - $1) }.reduce(0, +)
    case .consistent(let ids, let weight):
      let half = logits.count / 2
      let task = zip(logits[..<half], ids).map { -Self.logSoftmax($0)[$1] }.reduce(0, +)
      return zip(logits[..<half], logits[half...]).reduce(task) { sum, pair in
        let (p, q) = (Self.logSoftmax(pair.0), Self.logSoftmax(pair.1))
        return sum + weight * zip(p, q).map { (exp($0) - exp($1)) * ($0 - $1) }.reduce(0, +)
      }
    }
  }

  /// Turns the network's logits into their gradient.
  func gradient(of logits: Matrix) {
    switch self {
    case .classes(let ids), .tokens(let ids):
      _ = Loss.gradient(of: logits, targets: .classes(ids), weight: 1)
    case .scores(let scores):
      _ = Loss.gradient(of: logits, targets: .scores(scores.map { Float($0) }), weight: 1)
    case .consistent(let ids, let weight):
      let values = FloatBuffer(count: logits.rows * logits.columns)
      for (index, value) in logits.array().enumerated() { values.base[index] = value }
      let copy = Matrix(values.base, rows: logits.rows, columns: logits.columns)
      let half = logits.rows / 2
      _ = Loss.gradient(of: logits.rows(0..<half), targets: .classes(ids), weight: 1)
      for row in half..<logits.rows {
        (logits.base + row * logits.stride).update(repeating: 0, count: logits.columns)
      }
      for row in 0..<half {
        _ = Loss.addDivergence(of: copy, row: row, to: logits, weight: weight)
      }
      withExtendedLifetime(values) {}
    }
  }

  private static func logSoftmax(_ x: [Double]) -> [Double] {
    let largest = x.max() ?? 0
    let total = log(x.map { exp($0 - largest) }.reduce(0, +)) + largest
    return x.map { $0 - total }
  }
}
