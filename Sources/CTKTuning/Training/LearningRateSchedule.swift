import Foundation

/// The learning rate over the steps: linear warm-up from zero to the peak, then a shape.
package struct LearningRateSchedule: Sendable, Equatable {
  /// What follows the warm-up.
  package enum Shape: String, Sendable, CaseIterable {
    /// A straight line to zero after the last step.
    case linear
    /// Half a period of the cosine, to zero after the last step.
    case cosine
    /// The peak.
    case constant
  }

  package let peak: Double
  package let totalSteps: Int
  package let warmupSteps: Int
  package let shape: Shape

  /// - Parameter warmupRatio: share of the steps, rounded up.
  package init(peak: Double, totalSteps: Int, warmupRatio: Double, shape: Shape = .linear) {
    self.peak = peak
    self.totalSteps = totalSteps
    warmupSteps = Int((warmupRatio * Double(totalSteps)).rounded(.up))
    self.shape = shape
  }

  /// The rate of a step counted from zero.
  package func rate(at step: Int) -> Double {
    if step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
    switch shape {
    case .linear:
      return peak * Double(max(0, totalSteps - step)) / Double(max(1, totalSteps - warmupSteps))
    case .cosine:
      let progress = Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps))
      return peak * 0.5 * (1 + cos(.pi * min(1, progress)))
    case .constant: return peak
    }
  }
}
