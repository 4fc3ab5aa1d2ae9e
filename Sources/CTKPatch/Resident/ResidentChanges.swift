import CPatchCoder
import CTKCore

/// The changed units of one tensor with their bits on both sides, by tiles of 2^16
/// units.
struct ResidentChanges: Sendable {
  let info: TensorInfo
  private let unitByteCount: Int
  /// Where the entries of each tile end.
  private var tileEnds: [Int] = []
  private var positions: [UInt16] = []
  /// Little-endian, one unit for each position.
  private var before: [UInt8] = []
  private var after: [UInt8] = []

  /// - Parameter base: the base's tensor, little-endian.
  init(_ patch: TensorPatch, base: UnsafeRawBufferPointer) {
    info = patch.info
    unitByteCount = patch.unit.byteCount
    switch patch.unit.width {
    case .one: collect(patch, base, as: UInt8.self)
    case .two: collect(patch, base, as: UInt16.self)
    case .four: collect(patch, base, as: UInt32.self)
    case .eight: collect(patch, base, as: UInt64.self)
    }
  }

  var tileCount: Int { tileEnds.count }

  var byteCount: Int { 2 * positions.count + before.count + after.count + 8 * tileEnds.count }

  /// Writes the units of one tile as one side has them.
  ///
  /// - Parameter tensor: the whole tensor's first byte.
  func write(_ side: PatchSide, tile: Int, to tensor: UnsafeMutablePointer<UInt8>) {
    let start = tile == 0 ? 0 : tileEnds[tile - 1]
    let count = tileEnds[tile] - start
    if count == 0 { return }
    positions.withUnsafeBufferPointer { positions in
      (side == .before ? before : after).withUnsafeBytes { units in
        guard let position = positions.baseAddress, let unit = units.baseAddress else { return }
        ctk_scatter(
          tensor + (tile << Int(CTK_TILE_SHIFT)) * unitByteCount, position + start,
          unit + start * unitByteCount, count, UInt32(unitByteCount))
      }
    }
  }

  private mutating func collect<Word: UnitWord>(
    _ patch: TensorPatch, _ base: UnsafeRawBufferPointer, as _: Word.Type
  ) {
    let tileCount = (info.unitCount + (1 << CTK_TILE_SHIFT) - 1) >> Int(CTK_TILE_SHIFT)
    let ordered = OrderedInteger<Word>(isFloat: patch.unit.isFloat)
    positions.reserveCapacity(patch.changes)
    var (olds, news) = ([Word](), [Word]())
    olds.reserveCapacity(patch.changes)
    news.reserveCapacity(patch.changes)
    for block in patch.blocks {
      block.forEachDifference(as: Word.self) { unit, difference in
        let tile = unit >> Int(CTK_TILE_SHIFT)
        while tileEnds.count < tile { tileEnds.append(positions.count) }
        positions.append(UInt16(truncatingIfNeeded: unit))
        let old = Word(
          littleEndian: base.loadUnaligned(
            fromByteOffset: unit * MemoryLayout<Word>.size, as: Word.self))
        olds.append(old.littleEndian)
        news.append(ordered.decode(ordered.encode(old) &+ difference).littleEndian)
      }
    }
    while tileEnds.count < tileCount { tileEnds.append(positions.count) }
    before = olds.withUnsafeBytes { Array($0) }
    after = news.withUnsafeBytes { Array($0) }
  }
}

extension PatchBlock {
  /// Calls `body` with each unit of the tensor that changes, ascending, and its difference.
  func forEachDifference<Word: UnitWord>(as _: Word.Type, _ body: (Int, Word) -> Void) {
    let size = MemoryLayout<Word>.size
    differences.withUnsafeBytes { differences in
      for entry in 0..<differences.count / size {
        let difference = differences.loadUnaligned(fromByteOffset: entry * size, as: Word.self)
        if difference == 0 { continue }
        body(units.lowerBound + (positions.map { Int($0[entry]) } ?? entry), difference)
      }
    }
  }
}
