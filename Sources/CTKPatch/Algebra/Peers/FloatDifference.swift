import CTKCore

/// The float differences that peers add to weights.
struct FloatDifference: Sendable {
  private let format: NumberFormat
  private let dtype: DType

  /// - Parameter dtype: of the weights; nil for one that peers do not add floats to.
  init?(_ dtype: DType) {
    guard [.f32, .f16, .bf16, .f64].contains(dtype), let format = NumberFormat(dtype) else {
      return nil
    }
    self.format = format
    self.dtype = dtype
  }

  /// What must be added to `base` to get `target`.
  struct Result {
    let difference: Float
    /// How far the sum is from the target; 0 with `isExact` false when only the bits differ.
    let error: Double
    let isExact: Bool
  }

  /// The difference that leads to the target's bits, or as near as one addition can.
  func between<Word: UnitWord>(_ base: Word, _ target: Word) -> Result {
    let (origin, goal) = (format.value(base), format.value(target))
    let nearest = Float(goal - origin)
    for candidate in [nearest, nearest.nextUp, nearest.nextDown]
    where sum(base, candidate) == target {
      return Result(difference: candidate, error: 0, isExact: true)
    }
    let reached = FloatAddition.sum(origin, Double(nearest), in: dtype)
    return Result(difference: nearest, error: (reached - goal).magnitude, isExact: false)
  }

  private func sum<Word: UnitWord>(_ base: Word, _ difference: Float) -> Word? {
    let total = FloatAddition.sum(format.value(base), Double(difference), in: dtype)
    return format.bits(nearest: total, as: Word.self)
  }
}
