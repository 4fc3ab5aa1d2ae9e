import CKernels
import CTKModel
import CTKTensor

/// Mixout: each pass runs on `w0 + M (w - w0) / (1 - p)`, M being 1 with probability 1 - p.
///
/// The mixture has w as its mean. It covers the weight matrices that train and have a
/// pretrained value; the gradient with respect to w is that of the mixture times M / (1 - p).
final class Mixout {
  private let plan: TrainablePlan
  private let pretrained: PretrainedWeights
  private let keep: Double
  private let seed: UInt64
  /// The matrices that are mixed.
  private let mixed: [TrainablePlan.Slice]
  /// [plan.count]; the weights while the mixture is in their place.
  private let saved: FloatBuffer
  private let compute: Compute

  /// - Parameter probability: of a pretrained weight, below 1.
  init(
    plan: TrainablePlan, pretrained: PretrainedWeights, probability: Double, seed: UInt64,
    compute: Compute
  ) {
    self.plan = plan
    self.pretrained = pretrained
    keep = 1 - probability
    self.seed = seed
    mixed = plan.slices.filter { $0.isPretrained && plan.layout[$0.id].role == .matrix }
    self.compute = compute
    saved = FloatBuffer(count: plan.count)
  }

  private func site(_ pass: Int) -> ctk_dropout {
    ctk_dropout(
      keep: keep, random: CounterRandom(seed, UInt64(pass), RandomPurpose.mixture.rawValue))
  }

  /// Puts a pass's mixture in the place of the weights.
  func mix(_ parameters: ParameterVector, pass: Int) {
    let site = site(pass)
    if site.threshold == 0 { return }
    for slice in mixed { pretrained.mix(slice, parameters, site, saving: saved) }
  }

  /// Puts the weights back and turns the mixture's gradient into theirs.
  func restore(_ parameters: ParameterVector, gradient: FloatBuffer, pass: Int) {
    let site = site(pass)
    if site.threshold == 0 { return }
    for slice in mixed {
      plan.scatter(saved, slice, into: parameters)
      compute.drop(gradient.base, from: slice.start, count: slice.count, site)
    }
  }
}

extension Compute {
  /// Drops entries of a long vector in place, each by its number.
  func drop(
    _ values: UnsafeMutablePointer<Float>, from start: Int, count: Int, _ site: ctk_dropout
  ) {
    parallel(count, weight: 1) { part in
      let first = start + part.lowerBound
      kernels.dropout(
        values + first, values + first, site, UInt32(truncatingIfNeeded: first), part.count)
    }
  }
}
