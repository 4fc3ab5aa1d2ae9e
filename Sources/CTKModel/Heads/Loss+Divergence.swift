package import CTKTensor
import Foundation

extension Loss {
  /// How much two outputs of one network for the same example differ, and the gradient.
  ///
  /// For classes the symmetric Kullback-Leibler divergence
  /// `S = sum (p - q)(log p - log q)`, whose slope at the logits of p is
  /// `p (r - sum p r) + p - q` with `r = log p - log q`; for one score the squared difference.
  /// - Parameter logits: [2 B, labels], each example's two outputs B rows apart.
  /// - Parameter row: of the example's first output.
  /// - Parameter gradient: [2 B, labels]; gets `weight` times the gradient added.
  /// - Returns: the divergence.
  package static func addDivergence(
    of logits: Matrix, row: Int, to gradient: Matrix, weight: Double
  ) -> Double {
    let pair = OutputPair(logits, row, logits.rows / 2 + row)
    let (forward, backward) = (pair.divergence, pair.swapped.divergence)
    let first = gradient.base + row * gradient.stride
    let second = gradient.base + (gradient.rows / 2 + row) * gradient.stride
    for column in 0..<logits.columns {
      first[column] += Float(weight * pair.slope(column, forward))
      second[column] += Float(weight * pair.swapped.slope(column, backward))
    }
    return logits.columns == 1 ? forward : forward + backward
  }
}

/// Two outputs for one example, seen from the first.
private struct OutputPair {
  private let first: Output
  private let second: Output

  init(_ logits: Matrix, _ first: Int, _ second: Int) {
    self.init(Output(logits, first), Output(logits, second))
  }

  private init(_ first: Output, _ second: Output) {
    self.first = first
    self.second = second
  }

  var swapped: OutputPair { OutputPair(second, first) }

  /// `log p - log q`.
  private func ratio(_ column: Int) -> Double {
    first.logProbability(column) - second.logProbability(column)
  }

  private var difference: Double { first.logit(0) - second.logit(0) }

  /// `sum p (log p - log q)`, or the square of the difference of scores.
  var divergence: Double {
    if first.count == 1 { return difference * difference }
    return (0..<first.count).reduce(0) { $0 + first.probability($1) * ratio($1) }
  }

  /// The slope of what `addDivergence` returns at one of the first output's logits.
  ///
  /// - Parameter divergence: of this pair.
  func slope(_ column: Int, _ divergence: Double) -> Double {
    if first.count == 1 { return 2 * difference }
    let p = first.probability(column)
    return p * (ratio(column) - divergence) + p - second.probability(column)
  }
}

/// One row of logits, in double precision.
private struct Output {
  private let base: UnsafePointer<Float>
  let count: Int
  /// Logarithm of the sum of the logits' exponentials.
  private var logSum = 0.0

  init(_ logits: Matrix, _ row: Int) {
    base = UnsafePointer(logits.base + row * logits.stride)
    count = logits.columns
    let largest = (0..<count).reduce(-Double.infinity) { max($0, logit($1)) }
    logSum = log((0..<count).reduce(0) { $0 + exp(logit($1) - largest) }) + largest
  }

  func logit(_ column: Int) -> Double { Double(base[column]) }

  func logProbability(_ column: Int) -> Double { logit(column) - logSum }

  func probability(_ column: Int) -> Double { exp(logProbability(column)) }
}
