import CTKModel

/// What a method adds to a plain training step.
package struct MethodRecipe: Sendable, Equatable {
  /// Keep probability of Child-Tuning-F.
  package var gradientKeep: Double?
  /// Factor of the squared distance to the pretrained weights.
  package var pull: Double?
  /// Probability of a pretrained weight in Mixout's mixture.
  package var mixout: Double?
  package var recAdam: RecAdam.Settings?
  package var r3f: R3F?

  /// Nothing: plain training.
  package init() {}

  package init(_ method: TuningMethod, _ settings: MethodSettings) {
    if method.contains(.childF) { gradientKeep = settings.keep(of: method) }
    if method.contains(.weightDecay) { pull = settings.pull }
    if method.contains(.mixout) { mixout = settings.mixout }
    if method.contains(.recAdam) { recAdam = settings.recAdam }
    if method.contains(.r3f) { r3f = settings.r3f }
  }

  var needsPretrained: Bool { pull != nil || mixout != nil || recAdam != nil }

  package func gradientMask(_ plan: TrainablePlan, seed: UInt64) -> GradientMask? {
    if let gradientKeep { return .random(keep: gradientKeep, seed: seed) }
    return plan.gradientChild.map { .child($0) }
  }
}
