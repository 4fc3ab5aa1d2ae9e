/// Correlation of two lists of numbers; 0 where it is undefined, that is where
/// a list is constant or has a number that is not finite.
enum Correlation {
  /// Pearson's r: the covariance over the root of both variances.
  static func pearson(_ left: [Double], _ right: [Double]) -> Double {
    guard isVarying(left), isVarying(right) else { return 0 }
    let (leftMean, rightMean) = (mean(left), mean(right))
    var (covariance, leftVariance, rightVariance) = (0.0, 0.0, 0.0)
    for (x, y) in zip(left, right) {
      covariance += (x - leftMean) * (y - rightMean)
      leftVariance += (x - leftMean) * (x - leftMean)
      rightVariance += (y - rightMean) * (y - rightMean)
    }
    let scale = leftVariance.squareRoot() * rightVariance.squareRoot()
    return scale > 0 ? max(-1, min(1, covariance / scale)) : 0
  }

  /// Pearson's r of the ranks; equal numbers share the mean of their ranks.
  static func spearman(_ left: [Double], _ right: [Double]) -> Double {
    guard isVarying(left), isVarying(right) else { return 0 }
    return pearson(ranks(left), ranks(right))
  }

  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for position in start..<end { ranks[order[position]] = Double(start + end - 1) / 2 }
      start = end
    }
    return ranks
  }

  /// Equality and not the variance decides: rounding gives equal numbers a tiny variance.
  private static func isVarying(_ values: [Double]) -> Bool {
    values.allSatisfy(\.isFinite) && values.contains { $0 != values[0] }
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }
}
