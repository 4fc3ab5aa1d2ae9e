/// The units of one tensor that a mask selects.
struct MaskedUnits: Sendable {
  /// Strictly ascending.
  private let units: [UInt32]

  /// - Returns: nil when the tensor's units are not the mask's elements.
  init?(_ tensor: MaskedTensor, unitCount: Int, shape: [Int]) {
    guard tensor.shape == shape, tensor.elementCount == unitCount, !tensor.positions.isEmpty else {
      return nil
    }
    units = tensor.positions
  }

  /// Positions relative to the start of a range of units.
  func positions(in range: Range<Int>) -> [UInt32] {
    let first = UInt32(range.lowerBound)
    return units[lowerBound(of: range.lowerBound)..<lowerBound(of: range.upperBound)]
      .map { $0 - first }
  }

  /// Index of the first unit that is not below `unit`.
  private func lowerBound(of unit: Int) -> Int {
    var (low, high) = (0, units.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(units[middle]) < unit { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
