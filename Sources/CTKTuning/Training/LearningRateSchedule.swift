/// Linear warm-up from zero, then linear decay to zero.
package struct LearningRateSchedule: Sendable, Equatable {
  package let peak: Double
  package let totalSteps: Int
  package let warmupSteps: Int

  /// - Parameter warmupRatio: share of the steps, rounded up.
  package init(peak: Double, totalSteps: Int, warmupRatio: Double) {
    self.peak = peak
    self.totalSteps = totalSteps
    warmupSteps = Int((warmupRatio * Double(totalSteps)).rounded(.up))
  }

  /// The rate of a step counted from zero.
  package func rate(at step: Int) -> Double {
    if step < warmupSteps { return peak * Double(step) / Double(max(1, warmupSteps)) }
    return peak * Double(max(0, totalSteps - step)) / Double(max(1, totalSteps - warmupSteps))
  }
}
