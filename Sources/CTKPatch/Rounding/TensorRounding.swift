import CPatchCoder

/// The rounding of one tensor's changes: what the codec has to know to code them small.
package struct TensorRounding: Sendable {
  /// Rows beyond this many units, as of tensors with one axis, are cut.
  private static let longestRow = 1 << 20

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
  package init(
    _ rounding: Rounding, base: UnsafeRawBufferPointer, tuned: UnsafeRawBufferPointer,
    target: UnsafeMutableRawBufferPointer, rowUnits: Int
  ) {
    precondition(
      base.count == tuned.count && base.count == target.count && base.count % 4 == 0,
      "tensors of different sizes")
    let width = max(1, min(rowUnits, Self.longestRow))
    let units = base.count / 4
    var steps = [UInt8](repeating: 0, count: (units + width - 1) / width)
    var result = ctk_rounding_result()
    if let base = base.baseAddress, let tuned = tuned.baseAddress,
      let target = target.baseAddress
    {
      var input = ctk_rounding_input(
        base: base.assumingMemoryBound(to: UInt8.self),
        tuned: tuned.assumingMemoryBound(to: UInt8.self), units: UInt64(units),
        width: UInt64(width), form: rounding.form, bits: rounding.levelBits)
      ctk_round_changes(
        &input, target.assumingMemoryBound(to: UInt8.self), &steps, &result)
    }
    self.rounding = rounding
    self.width = width
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
