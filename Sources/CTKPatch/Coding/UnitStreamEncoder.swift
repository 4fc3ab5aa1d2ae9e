import CTKCore

/// What was written of a unit stream.
struct EncodedStream {
  /// Units that differ.
  let changes: Int
  let codec: PatchCodec
}

/// Writer of unit streams (`formats/patch.md` section 6, `formats/context.md`), a
/// block at a time.
struct UnitStreamEncoder {
  let unit: CodingUnit
  let choice: CodecChoice
  /// Units from one row of the tensor to the next; nil for one row.
  let width: Int?
  /// Overrides the layout's choice; tests use small blocks.
  var blockShift: Int?

  init(_ info: TensorInfo, choice: CodecChoice, blockShift: Int? = nil) {
    unit = CodingUnit(info.dtype)
    self.choice = choice
    self.blockShift = blockShift
    let rows = info.shape.dropLast().reduce(1, *)
    width = rows > 1 && info.unitCount % rows == 0 ? info.unitCount / rows : nil
  }

  /// Receiver of the stream's bytes, in order.
  typealias Sink = ([UInt8]) throws(PatchError) -> Void

  /// Writes the changes from one tensor to another of the same dtype and shape.
  func encodeChanges(
    base: UnsafeRawBufferPointer, tuned: UnsafeRawBufferPointer, to sink: Sink
  ) throws(PatchError) -> EncodedStream {
    switch unit.width {
    case .one: try encodeChanges(base, tuned, as: UInt8.self, to: sink)
    case .two: try encodeChanges(base, tuned, as: UInt16.self, to: sink)
    case .four: try encodeChanges(base, tuned, as: UInt32.self, to: sink)
    case .eight: try encodeChanges(base, tuned, as: UInt64.self, to: sink)
    }
  }

  /// Writes every unit of a tensor, as differences from zero bits.
  func encodeWhole(
    _ bytes: UnsafeRawBufferPointer, to sink: Sink
  ) throws(PatchError) -> EncodedStream {
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
  ) throws(PatchError) -> EncodedStream {
    let scanner = ChangeScanner<Word>(base: base, tuned: tuned, isFloat: unit.isFloat)
    return try encodeChanges(
      unitCount: base.count / unit.byteCount, changes: scanner.count(), base: base, to: sink
    ) { (range, positions, differences: UnsafeMutablePointer<Word>) in
      scanner.scan(range, positions: positions, differences: differences)
    }
  }

  /// Writes changes that are known as positions and differences.
  ///
  /// - Parameters:
  ///   - changes: how many `fill` will give in all.
  ///   - base: the units before the change, which make the stream smaller.
  ///   - fill: writes the changes within a range of units, positions relative to
  ///     its start and ascending, and returns how many; there is room for as many
  ///     as the range has units. Called for adjacent ranges, in order.
  func encodeChanges<Word: UnitWord>(
    unitCount: Int, changes: Int, base: UnsafeRawBufferPointer? = nil, to sink: Sink,
    fill: (Range<Int>, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Word>) -> Int
  ) throws(PatchError) -> EncodedStream {
    let layout = layout(unitCount: unitCount, changes: changes)
    try sink([UInt8(layout.shift)])
    var block = ScratchBlock<Word>(capacity: min(1 << layout.shift, unitCount))
    var writer = BlockWriter(choice)
    var total = 0
    for index in 0..<layout.blockCount {
      let place = place(layout.range(of: index), of: unitCount)
      total += block.fill { fill(place.units, $0, $1) }
      try sink(writer.changes(&block, place, base: base))
    }
    return EncodedStream(changes: total, codec: writer.codec)
  }

  private func encodeWhole<Word: UnitWord>(
    _ bytes: UnsafeRawBufferPointer, as _: Word.Type, to sink: Sink
  ) throws(PatchError) -> EncodedStream {
    let scanner = ChangeScanner<Word>(base: bytes, tuned: bytes, isFloat: unit.isFloat)
    let unitCount = bytes.count / unit.byteCount
    let layout = layout(unitCount: unitCount, changes: unitCount)
    try sink([UInt8(layout.shift)])
    var block = ScratchBlock<Word>(capacity: min(1 << layout.shift, unitCount))
    var writer = BlockWriter(choice)
    for index in 0..<layout.blockCount {
      let place = place(layout.range(of: index), of: unitCount)
      _ = block.fill { _, differences in
        scanner.scanFromZero(place.units, differences: differences)
        return place.units.count
      }
      try sink(writer.whole(block, place))
    }
    return EncodedStream(changes: unitCount, codec: writer.codec)
  }

  private func place(_ units: Range<Int>, of unitCount: Int) -> BlockPlace {
    BlockPlace(units: units, unit: unit, width: width ?? unitCount)
  }
}
