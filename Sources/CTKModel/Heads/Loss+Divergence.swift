package import CTKTensor
import Foundation

extension Loss {
  /// How much two outputs of one network for the same examples differ, and the gradient.
  ///
  /// For classes the symmetric Kullback-Leibler divergence
  /// `S = sum (p - q)(log p - log q)`, whose slope at the logits of p is
  /// `p (r - sum p r) + p - q` with `r = log p - log q`; for one score the squared difference.
  /// - Parameter logits: [2 B, labels], each example's two outputs B rows apart.
  /// - Parameter rows: of the first half that count.
  /// - Parameter gradient: [2 B, labels]; gets `weight` times the gradient added.
  /// - Returns: the divergence of each row that counts.
  package static func addDivergence(
    of logits: [[Double]], rows: some Collection<Int>, to gradient: Matrix, weight: Double
  ) -> [Double] {
    let count = logits.count / 2
    return rows.map { row in
      let (first, second) = (logits[row], logits[count + row])
      let term = first.count == 1 ? squaredDifference(first, second) : divergence(first, second)
      for column in first.indices {
        gradient.base[row * gradient.stride + column] += Float(weight * term.first[column])
        gradient.base[(count + row) * gradient.stride + column] +=
          Float(weight * term.second[column])
      }
      return term.value
    }
  }

  /// A term of the loss with its slopes at both outputs.
  private typealias Term = (value: Double, first: [Double], second: [Double])

  private static func squaredDifference(_ a: [Double], _ b: [Double]) -> Term {
    let difference = a[0] - b[0]
    return (difference * difference, [2 * difference], [-2 * difference])
  }

  private static func divergence(_ a: [Double], _ b: [Double]) -> Term {
    let (logP, logQ) = (logSoftmax(a), logSoftmax(b))
    let (p, q) = (logP.map { exp($0) }, logQ.map { exp($0) })
    let ratio = zip(logP, logQ).map { $0 - $1 }
    let forward = zip(p, ratio).map { $0 * $1 }.reduce(0, +)
    let backward = zip(q, ratio).map { -$0 * $1 }.reduce(0, +)
    let first = p.indices.map { p[$0] * (ratio[$0] - forward) + p[$0] - q[$0] }
    let second = q.indices.map { q[$0] * (-ratio[$0] - backward) + q[$0] - p[$0] }
    return (forward + backward, first, second)
  }

  private static func logSoftmax(_ x: [Double]) -> [Double] {
    let largest = x.max() ?? 0
    let total = log(x.map { exp($0 - largest) }.reduce(0, +)) + largest
    return x.map { $0 - total }
  }
}
