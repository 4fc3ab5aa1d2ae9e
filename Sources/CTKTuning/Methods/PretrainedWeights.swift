import CKernels
package import CTKModel
package import CTKTensor

/// The pretrained values of what trains, for methods that pull towards them.
///
/// A parameter that the base lacks has no pretrained value and is left alone.
package final class PretrainedWeights {
  /// [plan.count].
  private let values: FloatBuffer
  private let plan: TrainablePlan
  private let slices: SliceWeights
  private let compute: Compute

  /// - Parameter parameters: at their pretrained values still.
  package init(plan: TrainablePlan, parameters: ParameterVector, compute: Compute) {
    self.plan = plan
    self.compute = compute
    values = FloatBuffer(count: plan.count)
    slices = SliceWeights(plan: plan, compute: compute)
    plan.gather(parameters, into: values)
  }

  /// Adds `factor (w - w0)` to the gradient: the slope of `factor / 2 |w - w0|^2`.
  func addPull(_ factor: Float, at parameters: ParameterVector, to gradient: FloatBuffer) {
    for slice in plan.slices where slice.isPretrained {
      let (anchor, target) = (values.base + slice.start, gradient.base + slice.start)
      slices.read(slice, parameters) { weights in
        compute.parallel(slice.count, weight: 3) { part in
          let first = part.lowerBound
          compute.kernels.add_pull(
            weights + first, anchor + first, factor, target + first, part.count)
        }
      }
    }
  }

  /// `w = (w - rate (w - w0)) decay` for one slice.
  func pull(
    _ slice: TrainablePlan.Slice, _ parameters: ParameterVector, rate: Float, decay: Float
  ) {
    let anchor = values.base + slice.start
    slices.modify(slice, parameters) { weights in
      compute.parallel(slice.count, weight: 2) { part in
        let first = part.lowerBound
        compute.kernels.pull(weights + first, anchor + first, rate, decay, part.count)
      }
    }
  }

  /// `saved = w`, then `w = w0 + dropout(w - w0)` for one slice.
  func mix(
    _ slice: TrainablePlan.Slice, _ parameters: ParameterVector, _ site: ctk_dropout,
    saving saved: FloatBuffer
  ) {
    let (anchor, target) = (values.base + slice.start, saved.base + slice.start)
    slices.modify(slice, parameters) { weights in
      compute.parallel(slice.count, weight: 4) { part in
        let first = part.lowerBound
        compute.kernels.mix(
          weights + first, anchor + first, target + first, site,
          UInt32(truncatingIfNeeded: slice.start + first), part.count)
      }
    }
  }
}

/// The weights of a slice as consecutive floats: a whole parameter's own memory, or a
/// child's entries in scratch.
final class SliceWeights {
  private let plan: TrainablePlan
  private let scratch: FloatBuffer
  private let compute: Compute

  init(plan: TrainablePlan, compute: Compute) {
    self.plan = plan
    self.compute = compute
    let counts = plan.slices.filter { $0.firstPosition != nil }.map(\.count)
    scratch = FloatBuffer(count: counts.max() ?? 0)
  }

  func read(
    _ slice: TrainablePlan.Slice, _ parameters: ParameterVector,
    _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    let weights = parameters.pointer(slice.id)
    guard let first = slice.firstPosition else { return body(weights) }
    compute.kernels.gather(
      weights, plan.positions.base + first, scratch.base, slice.count)
    body(scratch.base)
  }

  /// As `read`, and puts back what `body` makes of the weights.
  func modify(
    _ slice: TrainablePlan.Slice, _ parameters: ParameterVector,
    _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    read(slice, parameters, body)
    guard let first = slice.firstPosition else { return }
    let (weights, positions) = (parameters.mutablePointer(slice.id), plan.positions.base + first)
    for index in 0..<slice.count { weights[Int(positions[index])] = scratch.base[index] }
  }
}
