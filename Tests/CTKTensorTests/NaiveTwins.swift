import Foundation

/// Plain double-precision versions of the kernels, written from the formulas.
enum NaiveTwins {
  static func gelu(_ x: Double) -> Double { 0.5 * x * erfc(-x / 2.0.squareRoot()) }

  static func geluTanh(_ x: Double) -> Double {
    0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  static func relu(_ x: Double) -> Double { max(x, 0) }

  static func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

  static func layerNorm(_ x: [Double], gamma: [Double], beta: [Double], epsilon: Double) -> [Double]
  {
    let mean = x.reduce(0, +) / Double(x.count)
    let variance = x.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(x.count)
    let rstd = 1 / (variance + epsilon).squareRoot()
    return x.indices.map { (x[$0] - mean) * rstd * gamma[$0] + beta[$0] }
  }

  /// softmax(Q K^T * scale) V for row-major [L, D] operands.
  static func attention(
    query: [Double], key: [Double], value: [Double], length: Int, size: Int
  ) -> [Double] {
    let scale = 1 / Double(size).squareRoot()
    var output = [Double](repeating: 0, count: length * size)
    for row in 0..<length {
      let scores = (0..<length).map { column -> Double in
        var dot = 0.0
        for lane in 0..<size { dot += query[row * size + lane] * key[column * size + lane] }
        return dot * scale
      }
      let largest = scores.max() ?? 0
      let weights = scores.map { exp($0 - largest) }
      let total = weights.reduce(0, +)
      for column in 0..<length {
        for lane in 0..<size {
          output[row * size + lane] += weights[column] / total * value[column * size + lane]
        }
      }
    }
    return output
  }

  /// The squared gradients `(left^T right)^2` of each example, added onto `scores`.
  static func squaredProducts(
    _ left: [[Double]], _ right: [[Double]], offsets: [Int], onto scores: [[Double]]
  ) -> [[Double]] {
    var scores = scores
    for (start, end) in zip(offsets, offsets.dropFirst()) {
      for row in scores.indices {
        for column in scores[row].indices {
          let slope = (start..<end).reduce(0.0) { $0 + left[$1][row] * right[$1][column] }
          scores[row][column] += slope * slope
        }
      }
    }
    return scores
  }

  /// Central difference of a scalar function along each coordinate.
  static func slopes(_ x: [Double], _ function: ([Double]) -> Double) -> [Double] {
    x.indices.map { index in
      let step = 1e-5
      var (up, down) = (x, x)
      up[index] += step
      down[index] -= step
      return (function(up) - function(down)) / (2 * step)
    }
  }
}
