import CTKCore

/// One entry of a patch used in one direction on one tensor.
struct TensorOperation: Sendable {
  let patch: PatchFile
  let entry: PatchEntry
  let direction: PatchDirection

  var source: TensorState? { entry.state(direction == .apply ? .before : .after) }
  var result: TensorState? { entry.state(resultSide) }
  var resultSide: PatchSide { direction == .apply ? .after : .before }

  /// Whether the result's bytes build on the source's.
  var needsSource: Bool { entry.hasSharedUnits }
}

/// Reader of an entry's stream that turns tiles of the source's tensor into tiles
/// of the result's, in ascending order.
struct OperationReader {
  private let operation: TensorOperation
  private let unit: CodingUnit
  private let sharedByteCount: Int
  private let resultByteCount: Int
  private var decoder: UnitStreamDecoder
  private var shared: BlockWalk?
  private var whole: BlockWalk?
  private var skippedSides: [PatchSide]
  private var pending: PatchBlock?
  private var changes = 0
  /// Bytes of the stream whose memory was given back.
  private var discarded = 0

  /// - Parameter stream: must stay valid while the reader is used.
  init(_ operation: TensorOperation, stream: UnsafeRawBufferPointer) throws(StreamFault) {
    self.operation = operation
    let entry = operation.entry
    let info = operation.result?.info
    unit = info.map { CodingUnit($0.dtype) } ?? CodingUnit(.u8)
    resultByteCount = info?.byteCount ?? 0
    sharedByteCount = entry.sharedUnitCount * unit.byteCount
    decoder = UnitStreamDecoder(
      stream, codec: entry.codec, mask: operation.patch.mask(of: entry))
    skippedSides = [.before, .after].filter { entry.wholeUnits($0) != nil }
    if entry.hasSharedUnits {
      shared = BlockWalk(layout: try decoder.layout(unitCount: entry.sharedUnitCount))
    } else {
      try beginWhole()
    }
  }

  private var isReverting: Bool { operation.direction == .revert }

  /// A multiple of this is what tiles must begin at and span.
  var tileByteCount: Int { shared.map { unit.byteCount << $0.layout.shift } ?? 1 }

  /// Changes a tile in place.
  ///
  /// - Parameters:
  ///   - tile: the source's bytes from `offset` on, with room for the result's.
  ///   - offset: where the tile lies in the tensor.
  mutating func transform(
    _ tile: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(StreamFault) {
    let end = offset + tile.count
    let rest =
      max(sharedByteCount, offset)..<max(sharedByteCount, offset, min(end, resultByteCount))
    UnsafeMutableRawBufferPointer(
      rebasing: tile[rest.lowerBound - offset..<rest.upperBound - offset]
    )
    .initializeMemory(as: UInt8.self, repeating: 0)
    try addShared(to: tile, at: offset)
    try addWhole(to: tile, at: offset)
    discardRead()
  }

  private mutating func discardRead() {
    guard decoder.position - discarded >= Tiles.byteCount,
      let stream = operation.entry.streamName
    else { return }
    operation.patch.discard(stream, discarded..<decoder.position)
    discarded = decoder.position
  }

  /// Checks that the stream ends where it should.
  mutating func finish() throws(StreamFault) {
    try endShared()
    try skip(all: true)
    try decoder.requireEnd()
  }
}

// MARK: Differences between the sides

extension OperationReader {
  private mutating func addShared(
    to tile: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(StreamFault) {
    guard var walk = shared else { return }
    let origin = offset / unit.byteCount
    while let range = walk.next, range.lowerBound * unit.byteCount < offset + tile.count {
      walk.advance()
      let source = BlockSource(
        range, of: UnsafeRawBufferPointer(tile), origin: origin, unit, isTarget: isReverting)
      guard let block = try decoder.block(of: range, unit: unit, source: source) else { continue }
      changes += block.changeCount(unit: unit)
      block.add(to: tile, origin: origin, unit: unit, reverting: isReverting)
    }
    shared = walk
    if walk.next == nil { try endShared() }
  }

  private mutating func endShared() throws(StreamFault) {
    guard let walk = shared else { return }
    precondition(walk.next == nil, "the tiles end before the tensor")
    try operation.entry.require(changes)
    shared = nil
    try beginWhole()
  }
}

// MARK: Units from zero bits

extension OperationReader {
  /// Opens the part that codes the result's own units, past that of the other side.
  private mutating func beginWhole() throws(StreamFault) {
    guard skippedSides.contains(operation.resultSide) else { return }
    try skip(all: false)
    skippedSides.removeFirst()
    let units = operation.entry.wholeUnits(operation.resultSide) ?? 0..<0
    whole = BlockWalk(layout: try decoder.layout(unitCount: units.count))
  }

  /// Skips the parts of the other side; with `all` to the end.
  private mutating func skip(all: Bool) throws(StreamFault) {
    while let side = skippedSides.first, all || side != operation.resultSide {
      guard let units = operation.entry.wholeUnits(side), let state = operation.entry.state(side)
      else { return }
      _ = try decoder.measure(unit: CodingUnit(state.info.dtype), unitCount: units.count)
      skippedSides.removeFirst()
    }
  }

  private mutating func addWhole(
    to tile: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(StreamFault) {
    let size = unit.byteCount
    // Units of this part count from the end of the shared ones.
    let origin = (offset - sharedByteCount) / size
    let end = origin + tile.count / size
    while true {
      if pending == nil, let range = whole?.next, range.lowerBound < end {
        whole?.advance()
        guard let block = try decoder.block(of: range, unit: unit), block.positions == nil,
          block.codedCount(unit: unit) == range.count
        else { throw .damaged("a whole tensor lacks units of block \(range)") }
        pending = block
      }
      guard let block = pending, block.units.lowerBound < end else { return }
      let first = max(block.units.lowerBound, origin) - block.units.lowerBound
      let last = min(block.units.upperBound, end) - block.units.lowerBound
      block.add(
        to: tile, origin: origin, entries: first..<max(first, last), unit: unit, reverting: false)
      if block.units.upperBound > end { return }
      pending = nil
    }
  }
}

/// A position among the blocks of a unit stream.
private struct BlockWalk {
  let layout: BlockLayout
  private var index = 0

  init(layout: BlockLayout) { self.layout = layout }

  var next: Range<Int>? { index < layout.blockCount ? layout.range(of: index) : nil }

  mutating func advance() { index += 1 }
}
