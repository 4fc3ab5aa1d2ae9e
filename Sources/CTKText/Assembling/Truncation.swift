/// The `longest_first` truncation of pairs, as the fast tokenizers do it.
package enum Truncation {
  /// Ids that each side of a pair keeps of a budget for both.
  ///
  /// The longer side is cut to the other's length first, then both evenly. An odd id that is
  /// left over goes to the side that was strictly longer, or to the second of equal sides.
  package static func keptCounts(
    _ first: Int, _ second: Int, budget: Int
  ) -> (first: Int, second: Int) {
    if first + second <= budget { return (first, second) }
    let shorter = min(first, second)
    let (low, high) =
      2 * shorter <= budget
      ? (shorter, budget - shorter)
      : (budget / 2, budget - budget / 2)
    return first > second ? (high, low) : (low, high)
  }
}
