package import CTKTensor
import Foundation

/// A loss over the logits of a batch and its gradient.
package enum Loss {
  /// Sum of the rows' losses, and the gradient of their weighted sum.
  ///
  /// Cross entropy for class targets, squared error for scores; 0 for a row without a label.
  /// - Parameter logits: [B, labels], or [T, labels] of tokens; overwritten by `weight` times the gradient.
  /// - Parameter weight: one over the rule's mass of the targets for their mean, 1 for
  ///   per-example gradients.
  /// - Parameter rule: applies to classes.
  package static func gradient(
    of logits: Matrix, targets: Targets, weight: Float, rule: LossRule = LossRule()
  ) -> Double {
    precondition(targets.count == logits.rows)
    return (0..<logits.rows).reduce(0) { sum, row in
      sum + gradient(ofRow: row, of: logits, targets: targets, weight: weight, rule: rule)
    }
  }

  /// The same for one row.
  package static func gradient(
    ofRow row: Int, of logits: Matrix, targets: Targets, weight: Float,
    rule: LossRule = LossRule()
  ) -> Double {
    let values = UnsafeMutableBufferPointer(
      start: logits.base + row * logits.stride, count: logits.columns)
    return switch targets {
    case .classes(let ids): crossEntropy(values, target: ids[row], weight: weight, rule)
    case .scores(let scores): squaredError(values, target: scores[row], weight: weight)
    }
  }

  /// `-log softmax(x)[target]`; its gradient is `softmax(x) - onehot(target)`.
  private static func crossEntropy(
    _ x: UnsafeMutableBufferPointer<Float>, target: Int, weight: Float, _ rule: LossRule
  ) -> Double {
    if target < 0 {
      x.update(repeating: 0)
      return 0
    }
    let largest = Double(x.max() ?? 0)
    var sum = 0.0
    for value in x { sum += exp(Double(value) - largest) }
    let logSum = log(sum) + largest
    if rule != LossRule() { return weighed(x, target: target, weight: weight, rule, logSum) }
    let loss = logSum - Double(x[target])
    for index in x.indices {
      let probability = exp(Double(x[index]) - largest) / sum
      x[index] = weight * Float(probability - (index == target ? 1 : 0))
    }
    return loss
  }

  /// Cross entropy against the target's class and, by its share, all classes: with shares t_c
  /// that need not add up to 1, the gradient is `softmax(x) sum(t) - t`.
  private static func weighed(
    _ x: UnsafeMutableBufferPointer<Float>, target: Int, weight: Float, _ rule: LossRule,
    _ logSum: Double
  ) -> Double {
    let spread = rule.smoothing / Double(x.count)
    func share(_ index: Int) -> Double {
      rule.weight(of: index) * (spread + (index == target ? 1 - rule.smoothing : 0))
    }
    let total = x.indices.reduce(0) { $0 + share($1) }
    var loss = 0.0
    for index in x.indices {
      let logProbability = Double(x[index]) - logSum
      loss -= share(index) * logProbability
      x[index] = weight * Float(exp(logProbability) * total - share(index))
    }
    return loss
  }

  private static func squaredError(
    _ x: UnsafeMutableBufferPointer<Float>, target: Float, weight: Float
  ) -> Double {
    let difference = Double(x[0]) - Double(target)
    x[0] = weight * Float(2 * difference)
    return difference * difference
  }
}
