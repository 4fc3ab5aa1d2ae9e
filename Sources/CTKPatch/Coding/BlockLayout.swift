/// How a unit stream cuts a tensor into blocks (`formats/patch.md` section 6.1).
struct BlockLayout {
  static let shifts = 4...22
  /// Blocks below this many changes are widened while the limit allows.
  private static let fewestChanges = 1 << 15

  /// Runs and units in each from which the density of a tensor is judged.
  private static let sample = (runs: 16, unitCount: 1 << 16)

  let unitCount: Int
  let shift: Int

  init(unitCount: Int, shift: Int) {
    self.unitCount = unitCount
    self.shift = shift
  }

  /// Layout for a tensor of which `changes` of `sampled` units differ: 2^20 units
  /// a block, more where changes are rare, so that each block repays its overhead.
  init(unitCount: Int, changes: Int, of sampled: Int) {
    var shift = 20
    while shift < Self.shifts.upperBound, 1 << shift < unitCount,
      Double(changes) * Double(1 << shift) < Double(Self.fewestChanges) * Double(sampled)
    {
      shift += 1
    }
    self.init(unitCount: unitCount, shift: shift)
  }

  /// Runs of units, evenly spaced, that stand for all of a tensor's.
  static func sample(of unitCount: Int) -> [Range<Int>] {
    let (runs, width) = sample
    if unitCount <= runs * width { return [0..<unitCount] }
    return (0..<runs).map { run in
      let start = (unitCount - width) / (runs - 1) * run
      return start..<start + width
    }
  }

  /// Reads the stream's first byte.
  init(unitCount: Int, cursor: inout ByteCursor) throws(StreamFault) {
    let shift = Int(try cursor.byte())
    guard Self.shifts.contains(shift) else { throw .damaged("block shift \(shift)") }
    self.init(unitCount: unitCount, shift: shift)
  }

  var blockCount: Int { (unitCount >> shift) + (unitCount & ((1 << shift) - 1) == 0 ? 0 : 1) }

  /// The units of a block.
  func range(of block: Int) -> Range<Int> {
    let first = block << shift
    return first..<min(first + (1 << shift), unitCount)
  }
}
