import CTKCore

/// What was written of a unit stream.
struct EncodedStream {
  /// Units that differ.
  let changes: Int
  /// nil when no unit was coded, which looks alike in all codecs.
  let codec: PatchCodec?
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
  /// How the changes were rounded, if they were.
  var rounding: TensorRounding?
  /// Positions that readers have, if there are any.
  var mask: MaskedUnits?

  init(_ info: TensorInfo, choice: CodecChoice, blockShift: Int? = nil) {
    unit = CodingUnit(info.dtype)
    self.choice = choice
    self.blockShift = blockShift
    let rows = info.shape.dropLast().reduce(1, *)
    width = rows > 1 && info.unitCount % rows == 0 ? info.unitCount / rows : nil
  }

  /// Receiver of the stream's bytes, in order: its head, then each block.
  typealias Sink = ([UInt8]) throws(PatchError) -> Void

  /// Companion of a walk over tensors, called with each run of bytes just before
  /// it is searched; returns whether it has to be.
  typealias Observer = (Range<Int>) -> Bool

  /// Bytes that are looked at in one go.
  private static let runByteCount = 1 << 20

  /// Writes the changes from one tensor to another of the same dtype and size.
  func encodeChanges(
    base: UnsafeRawBufferPointer, tuned: UnsafeRawBufferPointer,
    observer: Observer = { _ in true }, to sink: Sink
  ) throws(PatchError) -> EncodedStream {
    switch unit.width {
    case .one: try encodeChanges(base, tuned, as: UInt8.self, observer, to: sink)
    case .two: try encodeChanges(base, tuned, as: UInt16.self, observer, to: sink)
    case .four: try encodeChanges(base, tuned, as: UInt32.self, observer, to: sink)
    case .eight: try encodeChanges(base, tuned, as: UInt64.self, observer, to: sink)
    }
  }

  /// Writes every unit of a tensor, as differences from zero bits.
  func encodeWhole(
    _ bytes: UnsafeRawBufferPointer, observer: Observer = { _ in true }, to sink: Sink
  ) throws(PatchError) -> EncodedStream {
    switch unit.width {
    case .one: try encodeWhole(bytes, as: UInt8.self, observer, to: sink)
    case .two: try encodeWhole(bytes, as: UInt16.self, observer, to: sink)
    case .four: try encodeWhole(bytes, as: UInt32.self, observer, to: sink)
    case .eight: try encodeWhole(bytes, as: UInt64.self, observer, to: sink)
    }
  }

  private func layout(unitCount: Int, changes: Int, of sampled: Int) -> BlockLayout {
    if let blockShift { return BlockLayout(unitCount: unitCount, shift: blockShift) }
    return BlockLayout(unitCount: unitCount, changes: changes, of: sampled)
  }

  /// The block width follows from a sample of the units, so that one pass is enough.
  private func encodeChanges<Word: UnitWord>(
    _ base: UnsafeRawBufferPointer, _ tuned: UnsafeRawBufferPointer, as _: Word.Type,
    _ observer: Observer, to sink: Sink
  ) throws(PatchError) -> EncodedStream {
    let scanner = ChangeScanner<Word>(base: base, tuned: tuned, isFloat: unit.isFloat)
    let unitCount = base.count / unit.byteCount
    let sample = BlockLayout.sample(of: unitCount)
    return try encodeChanges(
      unitCount: unitCount, changes: sample.reduce(0) { $0 + scanner.count($1) },
      of: sample.reduce(0) { $0 + $1.count }, base: base, to: sink
    ) { (range, positions, differences: UnsafeMutablePointer<Word>) in
      observer(bytes(of: range))
        ? scanner.scan(range, positions: positions, differences: differences) : 0
    }
  }

  /// Writes changes that are known as positions and differences.
  ///
  /// - Parameters:
  ///   - changes: how many of `sampled` units change; `sampled` is all of them
  ///     when nil.
  ///   - base: the units before the change, which make the stream smaller.
  ///   - fill: writes the changes within a range of units, positions relative to
  ///     its start and ascending, and returns how many; there is room for as many
  ///     as the range has units. Called for adjacent ranges, in order.
  func encodeChanges<Word: UnitWord>(
    unitCount: Int, changes: Int, of sampled: Int? = nil, base: UnsafeRawBufferPointer? = nil,
    to sink: Sink,
    fill: (Range<Int>, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Word>) -> Int
  ) throws(PatchError) -> EncodedStream {
    let layout = layout(unitCount: unitCount, changes: changes, of: sampled ?? unitCount)
    try sink([UInt8(layout.shift)])
    var block = ScratchBlock<Word>()
    var writer = BlockWriter(choice)
    var total = 0
    for index in 0..<layout.blockCount {
      let place = place(layout.range(of: index), of: unitCount)
      block.clear()
      for run in runs(of: place.units) {
        total += block.append(
          capacity: run.count, offset: run.lowerBound - place.units.lowerBound
        ) { fill(run, $0, $1) }
      }
      try sink(
        writer.changes(
          &block, place, base: base, rounding: rounding?.block(place),
          mask: mask?.positions(in: place.units)))
    }
    return EncodedStream(changes: total, codec: writer.codec)
  }

  private func encodeWhole<Word: UnitWord>(
    _ bytes: UnsafeRawBufferPointer, as _: Word.Type, _ observer: Observer, to sink: Sink
  ) throws(PatchError) -> EncodedStream {
    let scanner = ChangeScanner<Word>(base: bytes, tuned: bytes, isFloat: unit.isFloat)
    let unitCount = bytes.count / unit.byteCount
    let layout = layout(unitCount: unitCount, changes: unitCount, of: unitCount)
    try sink([UInt8(layout.shift)])
    var block = ScratchBlock<Word>()
    var writer = BlockWriter(choice)
    for index in 0..<layout.blockCount {
      let place = place(layout.range(of: index), of: unitCount)
      block.clear()
      for run in runs(of: place.units) {
        _ = observer(self.bytes(of: run))
        _ = block.append(capacity: run.count, offset: 0) { _, differences in
          scanner.scanFromZero(run, differences: differences)
          return run.count
        }
      }
      try sink(writer.whole(block, place))
    }
    return EncodedStream(changes: unitCount, codec: writer.codec)
  }

  private func place(_ units: Range<Int>, of unitCount: Int) -> BlockPlace {
    BlockPlace(units: units, unit: unit, width: width ?? unitCount)
  }

  private func runs(of range: Range<Int>) -> [Range<Int>] {
    Tiles.ranges(of: range, by: Self.runByteCount / unit.byteCount)
  }

  private func bytes(of units: Range<Int>) -> Range<Int> {
    units.lowerBound * unit.byteCount..<units.upperBound * unit.byteCount
  }
}
