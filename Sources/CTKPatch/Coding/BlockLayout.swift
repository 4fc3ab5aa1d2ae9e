/// How a unit stream cuts a tensor into blocks (`formats/patch.md` section 6.1).
struct BlockLayout {
  static let shifts = 4...22
  /// Blocks below this many changes are widened while the limit allows.
  private static let fewestChanges = 1 << 15

  let unitCount: Int
  let shift: Int

  init(unitCount: Int, shift: Int) {
    self.unitCount = unitCount
    self.shift = shift
  }

  /// Layout for a tensor of which `changes` units differ: 2^20 units a block,
  /// more where changes are rare, so that each block repays its overhead.
  init(unitCount: Int, changes: Int) {
    var shift = 20
    while shift < Self.shifts.upperBound, 1 << shift < unitCount,
      Double(changes) * Double(1 << shift) < Double(Self.fewestChanges) * Double(unitCount)
    {
      shift += 1
    }
    self.init(unitCount: unitCount, shift: shift)
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
