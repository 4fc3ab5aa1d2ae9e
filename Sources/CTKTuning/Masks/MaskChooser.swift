/// Applies a recipe's quota and threshold to the scores, tensor after tensor.
struct MaskChooser {
  /// One cut for all tensors, as far as it has been used up.
  private var shared: ChildSelection.Cut?
  /// Weights to choose in each tensor that has a cut of its own.
  private let quotas: [Int]
  private let recipe: MaskRecipe
  private var place = 0

  /// - Parameter counts: weights of each tensor.
  /// - Parameter scores: of all tensors, one after the other.
  init(_ recipe: MaskRecipe, counts: [Int], scores: UnsafeBufferPointer<Float>) {
    self.recipe = recipe
    switch recipe.quota {
    case .global:
      let count = ChildSelection.selectedCount(keep: recipe.keep, of: scores.count)
      shared = Self.cut(scores, choosing: count, recipe)
      quotas = []
    case .tensor:
      quotas = ChildSelection.quotas(keep: recipe.keep, of: counts)
    }
  }

  private static func cut(
    _ scores: UnsafeBufferPointer<Float>, choosing count: Int, _ recipe: MaskRecipe
  ) -> ChildSelection.Cut {
    switch recipe.threshold {
    case .exact: .exact(ChildSelection.threshold(scores, choosing: count, recipe.score.order))
    case .percentile: .atLeast(ChildSelection.percentile(scores, keep: recipe.keep))
    }
  }

  /// The chosen positions of the next tensor.
  mutating func positions(in scores: UnsafeBufferPointer<Float>) -> [UInt32] {
    defer { place += 1 }
    if shared != nil { return shared?.choose(scores) ?? [] }
    if scores.isEmpty || (recipe.threshold == .exact && quotas[place] == 0) { return [] }
    var own = Self.cut(scores, choosing: quotas[place], recipe)
    return own.choose(scores)
  }
}
