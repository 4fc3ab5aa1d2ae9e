public import CTKCore

/// What happened to the units of one tensor, or of several.
public struct ChangeStatistics: Sendable {
  /// Upper ends of the bins of `relative`, the last of which is open.
  public static let relativeLimits = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0]

  public internal(set) var unitCount = 0
  /// Distances in representable numbers.
  public internal(set) var steps = StepHistogram()
  /// Units by |change| / |number before|, in the bins of `relativeLimits`.
  public internal(set) var relative = [Int](repeating: 0, count: relativeLimits.count + 1)
  /// Units that were 0 and are no more.
  public internal(set) var fromZero = 0
  /// Units that changed to or from a NaN or an infinity.
  public internal(set) var notFinite = 0
  /// Largest |change| of finite numbers.
  public internal(set) var largestChange = 0.0

  public init() {}

  /// Units whose bits differ.
  public var changed: Int { steps.count }
  public var density: Double { unitCount == 0 ? 0 : Double(changed) / Double(unitCount) }

  mutating func add(_ other: ChangeStatistics) {
    unitCount += other.unitCount
    steps.add(other.steps)
    for bin in relative.indices { relative[bin] += other.relative[bin] }
    fromZero += other.fromZero
    notFinite += other.notFinite
    largestChange = max(largestChange, other.largestChange)
  }

  /// Adds a unit that changed from one number to another.
  mutating func add(from old: Double, to new: Double) {
    let change = (new - old).magnitude
    guard change.isFinite else {
      notFinite += 1
      return
    }
    largestChange = max(largestChange, change)
    if old == 0 {
      fromZero += 1
      return
    }
    let share = change / old.magnitude
    var bin = 0
    for limit in Self.relativeLimits { bin += share >= limit ? 1 : 0 }
    relative[bin] += 1
  }

  public var json: JSONObject {
    JSONObject([
      "units": .integer(unitCount), "changed": .integer(changed), "density": .real(density),
      "largest_change": .real(largestChange), "largest_steps": steps.largestJSON,
      "mean_steps": .real(steps.mean), "steps_histogram": steps.json,
      "relative_histogram": .array(relative.map { .integer($0) }),
      "from_zero": .integer(fromZero), "not_finite": .integer(notFinite),
    ])
  }
}

/// Comparison of two tensors of one dtype and shape.
struct TensorComparison<Word: UnitWord> {
  /// Equal stretches of this many units are skipped by comparing memory.
  private static var stretch: Int { 4096 }
  private static var size: Int { MemoryLayout<Word>.size }

  let info: TensorInfo

  /// - Parameter discard: is told the bytes that are no longer needed.
  func statistics(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer,
    discard: (Range<Int>) -> Void = { _ in }
  ) -> ChangeStatistics {
    var statistics = ChangeStatistics()
    statistics.unitCount = info.unitCount
    for tile in Tiles.ranges(of: 0..<info.unitCount, by: Tiles.byteCount / Self.size) {
      add(tile, old, new, to: &statistics)
      discard(tile.lowerBound * Self.size..<tile.upperBound * Self.size)
    }
    return statistics
  }

  private func add(
    _ units: Range<Int>, _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer,
    to statistics: inout ChangeStatistics
  ) {
    let ordered = OrderedInteger<Word>(isFloat: CodingUnit(info.dtype).isFloat)
    let format = NumberFormat(info.dtype)
    for window in Tiles.ranges(of: units, by: Self.stretch) {
      let bytes = window.lowerBound * Self.size..<window.upperBound * Self.size
      if equalBytes(
        UnsafeRawBufferPointer(rebasing: old[bytes]), UnsafeRawBufferPointer(rebasing: new[bytes]))
      {
        continue
      }
      for unit in window {
        let (before, after) = (load(old, unit), load(new, unit))
        if before == after { continue }
        statistics.steps.add(ordered.difference(from: before, to: after).stepCount)
        if let format {
          statistics.add(from: format.value(before), to: format.value(after))
        }
      }
    }
  }

  @inline(__always)
  private func load(_ bytes: UnsafeRawBufferPointer, _ unit: Int) -> Word {
    Word(littleEndian: bytes.loadUnaligned(fromByteOffset: unit * Self.size, as: Word.self))
  }
}
