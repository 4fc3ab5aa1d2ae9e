/// Where two lists of numbers differ most, against an absolute and a relative bound.
public struct Closeness: CustomStringConvertible, Sendable {
  public let isWithin: Bool
  public let worstIndex: Int
  public let worstDifference: Double
  public let found: Double
  public let expected: Double

  public var description: String {
    "worst at \(worstIndex): found \(found), expected \(expected), off by \(worstDifference)"
  }

  /// Compares `|found - expected| <= absolute + relative * |expected|` everywhere.
  ///
  /// A NaN on either side is outside every bound.
  public static func of<T: BinaryFloatingPoint, U: BinaryFloatingPoint>(
    _ found: [T], _ expected: [U], absolute: Double, relative: Double
  ) -> Closeness {
    precondition(found.count == expected.count, "\(found.count) against \(expected.count) values")
    precondition(absolute > 0 && relative >= 0)
    var worst = (index: -1, excess: -Double.infinity)
    for index in found.indices {
      let difference = abs(Double(found[index]) - Double(expected[index]))
      let excess = difference - absolute - relative * abs(Double(expected[index]))
      if excess.isNaN || excess > worst.excess {
        worst = (index, excess.isNaN ? .infinity : excess)
      }
    }
    guard worst.index >= 0 else {
      return Closeness(
        isWithin: true, worstIndex: -1, worstDifference: 0, found: 0, expected: 0)
    }
    let (left, right) = (Double(found[worst.index]), Double(expected[worst.index]))
    return Closeness(
      isWithin: worst.excess <= 0, worstIndex: worst.index, worstDifference: abs(left - right),
      found: left, expected: right)
  }
}
