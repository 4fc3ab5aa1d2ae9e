import CPatchCoder

/// The rounding of one tensor's changes: what the codec has to know to code them small.
package struct TensorRounding: Sendable {
  package let error: RoundingError
  private let rounding: Rounding
  private let grid: UInt32
  private let width: Int
  private let rowSteps: [UInt8]

  /// Rounds the changes of a tensor.
  ///
  /// - Parameters:
  ///   - base: `F32` units, little-endian.
  ///   - tuned: as `base`, and of its size.
  ///   - target: receives the rounded tensor; of the same size.
  ///   - rowUnits: units of a row.
  ///   - step: the largest step of a row, where `rounding` has steps.
  package init(
    _ rounding: Rounding, step: Double = 0, base: UnsafeRawBufferPointer,
    tuned: UnsafeRawBufferPointer, target: UnsafeMutableRawBufferPointer, rowUnits: Int
  ) {
    precondition(base.count == target.count, "tensors of different sizes")
    var (steps, result) = ([UInt8](), ctk_rounding_result())
    let input = ctk_rounding_input(
      base: base, tuned: tuned, rowUnits: rowUnits, form: rounding.form, step: step)
    if var input, let target = target.baseAddress {
      steps = [UInt8](repeating: 0, count: Int((input.units + input.width - 1) / input.width))
      ctk_round_changes(
        &input, target.assumingMemoryBound(to: UInt8.self), &steps, &result)
    }
    width = input.map { Int($0.width) } ?? 1
    self.rounding = rounding
    grid = result.grid
    rowSteps = steps
    error = RoundingError(
      weights: Int(result.rounded), worst: result.worst_error,
      mean: result.rounded == 0 ? 0 : result.error_sum / Double(result.rounded))
  }

  /// What a block has to know; nil when its rows are not those that share a step.
  package func block(_ place: BlockPlace) -> BlockRounding? {
    guard rounding.form == CTK_ROUNDING_STEPS else {
      return BlockRounding(form: rounding.form, grid: grid, rowSteps: [])
    }
    let columns = max(1, min(place.width, place.units.count))
    let phase = place.units.lowerBound % columns
    var (steps, start) = ([UInt8](), place.units.lowerBound)
    while start < place.units.upperBound {
      let end = min(
        start + columns - (start == place.units.lowerBound ? phase : 0),
        place.units.upperBound)
      let row = start / width
      guard (end - 1) / width == row else { return nil }
      steps.append(rowSteps[row])
      start = end
    }
    return BlockRounding(form: rounding.form, grid: grid, rowSteps: steps)
  }
}
