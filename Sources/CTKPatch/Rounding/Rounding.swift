import CPatchCoder

/// What the changes of `F32` weights are rounded to when a patch is written
/// (`formats/context.md` section 9.4).
///
/// The rounded model is the patch's target; applying and reverting stay exact.
public enum Rounding: String, Sendable, CaseIterable {
  /// Every bit is kept.
  case none
  /// Each change to 8 significant bits.
  case bf16
  /// Each change to a multiple of one step, chosen so that it takes at most 8 bits.
  case int8
  /// Each change to a multiple of one step, chosen so that it takes at most 4 bits.
  case int4

  var form: ctk_rounding_form {
    switch self {
    case .none: CTK_ROUNDING_NONE
    case .bf16: CTK_ROUNDING_SHORT
    case .int8, .int4: CTK_ROUNDING_STEPS
    }
  }

  /// Most bits of a change on average; nil when changes have no common step.
  package var changeBits: Int? {
    switch self {
    case .none, .bf16: nil
    case .int8: 8
    case .int4: 4
    }
  }
}

/// How far rounded weights are from those that were trained.
public struct RoundingError: Sendable, Equatable {
  /// Weights that were rounded.
  public var weights = 0
  public var worst = 0.0
  /// Mean of the errors' magnitudes.
  public var mean = 0.0

  init(weights: Int = 0, worst: Double = 0, mean: Double = 0) {
    (self.weights, self.worst, self.mean) = (weights, worst, mean)
  }

  mutating func add(_ other: RoundingError) {
    let total = mean * Double(weights) + other.mean * Double(other.weights)
    weights += other.weights
    worst = max(worst, other.worst)
    mean = weights == 0 ? 0 : total / Double(weights)
  }
}

/// How the changes of a block were rounded.
package struct BlockRounding {
  let form: ctk_rounding_form
  let grid: UInt32
  /// A code for each row of the block's grid.
  let rowSteps: [UInt8]
}
