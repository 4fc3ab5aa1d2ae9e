import CTKModel
import CTKTensor

/// What the weights are ranked by.
package enum MaskScore: String, Sendable, CaseIterable {
  case fisher
  case magnitude
  case random
  case lowestFisher = "lowest-fisher"

  package var needsData: Bool { self == .fisher || self == .lowestFisher }

  var order: ChildSelection.Order { self == .lowestFisher ? .lowest : .highest }
}
