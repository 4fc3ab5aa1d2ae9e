import CTKCore

/// Writer of unit streams (`formats/patch.md` section 6), a block at a time.
struct UnitStreamEncoder {
  let unit: CodingUnit
  /// Overrides the layout's choice; tests use small blocks.
  var blockShift: Int?

  init(dtype: DType, blockShift: Int? = nil) {
    unit = CodingUnit(dtype)
    self.blockShift = blockShift
  }

  /// Receiver of the stream's bytes, in order.
  typealias Sink = ([UInt8]) throws(PatchError) -> Void

  /// Writes the changes from one tensor to another of the same dtype and shape.
  ///
  /// - Returns: how many units differ.
  func encodeChanges(
    base: UnsafeRawBufferPointer, tuned: UnsafeRawBufferPointer, to sink: Sink
  ) throws(PatchError) -> Int {
    switch unit.width {
    case .one: try encodeChanges(base, tuned, as: UInt8.self, to: sink)
    case .two: try encodeChanges(base, tuned, as: UInt16.self, to: sink)
    case .four: try encodeChanges(base, tuned, as: UInt32.self, to: sink)
    case .eight: try encodeChanges(base, tuned, as: UInt64.self, to: sink)
    }
  }

  /// Writes every unit of a tensor, as differences from zero bits.
  func encodeWhole(_ bytes: UnsafeRawBufferPointer, to sink: Sink) throws(PatchError) {
    switch unit.width {
    case .one: try encodeWhole(bytes, as: UInt8.self, to: sink)
    case .two: try encodeWhole(bytes, as: UInt16.self, to: sink)
    case .four: try encodeWhole(bytes, as: UInt32.self, to: sink)
    case .eight: try encodeWhole(bytes, as: UInt64.self, to: sink)
    }
  }

  private func layout(unitCount: Int, changes: Int) -> BlockLayout {
    if let blockShift { return BlockLayout(unitCount: unitCount, shift: blockShift) }
    return BlockLayout(unitCount: unitCount, changes: changes)
  }

  private func encodeChanges<Word: UnitWord>(
    _ base: UnsafeRawBufferPointer, _ tuned: UnsafeRawBufferPointer, as _: Word.Type,
    to sink: Sink
  ) throws(PatchError) -> Int {
    let scanner = ChangeScanner<Word>(base: base, tuned: tuned, isFloat: unit.isFloat)
    return try encodeChanges(
      unitCount: base.count / unit.byteCount, changes: scanner.count(), to: sink
    ) { (range, positions, differences: UnsafeMutablePointer<Word>) in
      scanner.scan(range, positions: positions, differences: differences)
    }
  }

  /// Writes changes that are known as positions and differences.
  ///
  /// - Parameters:
  ///   - changes: how many `fill` will give in all.
  ///   - fill: writes the changes within a range of units, positions relative to
  ///     its start and ascending, and returns how many; there is room for as many
  ///     as the range has units. Called for adjacent ranges, in order.
  /// - Returns: how many units differ.
  func encodeChanges<Word: UnitWord>(
    unitCount: Int, changes: Int, to sink: Sink,
    fill: (Range<Int>, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Word>) -> Int
  ) throws(PatchError) -> Int {
    let layout = layout(unitCount: unitCount, changes: changes)
    try sink([UInt8(layout.shift)])
    var block = ScratchBlock<Word>(capacity: min(1 << layout.shift, unitCount))
    var total = 0
    for index in 0..<layout.blockCount {
      let range = layout.range(of: index)
      total += block.fill { fill(range, $0, $1) }
      try sink(block.encodedSmallest(of: range))
    }
    return total
  }

  private func encodeWhole<Word: UnitWord>(
    _ bytes: UnsafeRawBufferPointer, as _: Word.Type, to sink: Sink
  ) throws(PatchError) {
    let scanner = ChangeScanner<Word>(base: bytes, tuned: bytes, isFloat: unit.isFloat)
    let unitCount = bytes.count / unit.byteCount
    let layout = layout(unitCount: unitCount, changes: unitCount)
    try sink([UInt8(layout.shift)])
    var block = ScratchBlock<Word>(capacity: min(1 << layout.shift, unitCount))
    for index in 0..<layout.blockCount {
      let range = layout.range(of: index)
      _ = block.fill { _, differences in
        scanner.scanFromZero(range, differences: differences)
        return range.count
      }
      try sink(block.encodedWhole(of: range))
    }
  }
}
