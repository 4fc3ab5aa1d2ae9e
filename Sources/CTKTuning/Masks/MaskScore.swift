/// What the weights are ranked by.
package enum MaskScore: String, Sendable, CaseIterable {
  case fisher
  case magnitude
  case random
  case lowestFisher = "lowest-fisher"
  /// How far a tuned model's weights are from the base's, as lottery-ticket sparse
  /// fine-tuning chooses them (Ansell et al. 2022).
  case change

  /// Whether the ranking needs gradients on the task's examples.
  package var needsData: Bool { self == .fisher || self == .lowestFisher }

  var usesSeed: Bool { needsData || self == .random }

  var order: ChildSelection.Order { self == .lowestFisher ? .lowest : .highest }
}
