import CTKCheckpoint
import CTKCore
import CTKModel
import CTKTensor

/// What trained, as it will be stored: an evaluation judges the model that a patch makes.
struct StoredPrecision {
  private let plan: TrainablePlan
  /// Element type of each slice.
  private let types: [DType]

  init(plan: TrainablePlan, base: any TensorSource) {
    self.plan = plan
    types = plan.slices.map { base.info(of: plan.layout[$0.id].name)?.dtype ?? .f32 }
  }

  /// Runs `body` with what trained rounded to the stored types, then puts the f32 values back.
  ///
  /// - Throws: `tuning.not-finite` where a weight is too large for its type.
  func withRounded<Result>(
    _ parameters: ParameterVector, _ body: () throws(TuningError) -> Result
  ) throws(TuningError) -> Result {
    if types.allSatisfy({ $0 == .f32 }) { return try body() }
    let (exact, rounded) = (FloatBuffer(count: plan.count), FloatBuffer(count: plan.count))
    plan.gather(parameters, into: exact)
    for (slice, type) in zip(plan.slices, types) {
      try round(exact.base + slice.start, into: rounded.base + slice.start, slice, type)
    }
    plan.scatter(rounded, into: parameters)
    defer { plan.scatter(exact, into: parameters) }
    return try body()
  }

  private func round(
    _ source: UnsafeMutablePointer<Float>, into target: UnsafeMutablePointer<Float>,
    _ slice: TrainablePlan.Slice, _ type: DType
  ) throws(TuningError) {
    if type == .f32 {
      target.update(from: source, count: slice.count)
      return
    }
    let narrow = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * slice.count, alignment: 16)
    defer { narrow.deallocate() }
    let floats = UnsafeRawBufferPointer(start: source, count: 4 * slice.count)
    if FloatCast.convert(floats, .f32, to: narrow, type) > 0 {
      throw Self.overflow(plan.layout[slice.id].name, type)
    }
    _ = FloatCast.convert(
      UnsafeRawBufferPointer(narrow), type,
      to: UnsafeMutableRawBufferPointer(start: target, count: 4 * slice.count), .f32)
  }

  static func overflow(_ name: String, _ type: DType) -> TuningError {
    TuningError(
      .notFinite, "a weight of '\(name)' is too large for \(type.rawValue)",
      hint: "import the base with --dtype f32, or lower --learning-rate")
  }
}
