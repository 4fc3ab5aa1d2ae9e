import CKernels
package import CTKModel
package import CTKTensor

/// Which entries of a step's gradient reach the optimizer.
package enum GradientMask {
  /// Child-Tuning-F: each entry with probability `keep`, divided by it, drawn anew at
  /// every step.
  case random(keep: Double, seed: UInt64)
  /// Only the child's entries of the masked parameters.
  case child(ChildEntries)

  /// Masks the gradient of a step, which has been clipped already.
  package func apply(to gradient: CompactGradient, step: Int, _ compute: Compute) {
    let (values, plan) = (gradient.values.base, gradient.plan)
    switch self {
    case .random(let keep, let seed):
      let site = ctk_dropout(
        keep: keep,
        random: CounterRandom(seed, UInt64(step), RandomPurpose.gradientMask.rawValue))
      if site.threshold != 0 { compute.drop(values, from: 0, count: plan.count, site) }
    case .child(let child):
      child.clearOthers(values, plan)
    }
  }
}

/// The child's entries in parameters that the optimizer moves whole.
package struct ChildEntries: Sendable {
  /// Ascending positions of every masked parameter, those without a child entry too.
  package let positions: [ParameterID: [UInt32]]

  package init(positions: [ParameterID: [UInt32]]) { self.positions = positions }

  /// Zeroes what is not the child's, whatever it was: a product with 0 would keep a NaN.
  func clearOthers(_ values: UnsafeMutablePointer<Float>, _ plan: TrainablePlan) {
    for slice in plan.slices {
      guard let positions = positions[slice.id] else { continue }
      let target = values + slice.start
      var next = 0
      for position in positions {
        (target + next).update(repeating: 0, count: Int(position) - next)
        next = Int(position) + 1
      }
      (target + next).update(repeating: 0, count: slice.count - next)
    }
  }
}
