import CTKCore

/// Reader of the unit streams of one tensor stream, a block at a time.
struct UnitStreamDecoder {
  private let codec: PatchCodec
  /// Positions that blocks may take from a mask, if there is one.
  private let mask: MaskedUnits?
  private var cursor: ByteCursor

  init(
    _ stream: UnsafeRawBufferPointer, codec: PatchCodec = .deflate, mask: MaskedUnits? = nil
  ) {
    self.codec = codec
    self.mask = mask
    cursor = ByteCursor(stream)
  }

  /// Bytes of the stream that were read.
  var position: Int { cursor.position }

  /// Reads a stream of differences.
  ///
  /// - Parameters:
  ///   - unitCount: units of the tensor that is at hand.
  ///   - source: gives the units of a block on one side; nil when there are none.
  /// - Returns: how many differences were not 0.
  mutating func decodeChanges(
    unit: CodingUnit, unitCount: Int, source: (Range<Int>) -> BlockSource? = { _ in nil },
    _ body: (PatchBlock) -> Void
  ) throws(StreamFault) -> Int {
    let layout = try BlockLayout(unitCount: unitCount, cursor: &cursor)
    var changes = 0
    for index in 0..<layout.blockCount {
      let range = layout.range(of: index)
      guard let block = try block(of: range, unit: unit, source: source(range)) else { continue }
      changes += block.changeCount(unit: unit)
      body(block)
    }
    return changes
  }

  /// Reads a stream that codes all units of a tensor from zero bits.
  mutating func decodeWhole(
    unit: CodingUnit, unitCount: Int, _ body: (PatchBlock) -> Void
  ) throws(StreamFault) {
    let layout = try BlockLayout(unitCount: unitCount, cursor: &cursor)
    for index in 0..<layout.blockCount {
      let range = layout.range(of: index)
      guard let block = try block(of: range, unit: unit), block.positions == nil else {
        throw .damaged("a whole tensor lacks units of block \(index)")
      }
      body(block)
    }
  }

  /// Reads the head of a unit stream; its blocks follow.
  mutating func layout(unitCount: Int) throws(StreamFault) -> BlockLayout {
    try BlockLayout(unitCount: unitCount, cursor: &cursor)
  }

  func requireEnd() throws(StreamFault) {
    if !cursor.isAtEnd { throw .damaged("\(cursor.remaining) bytes follow its end") }
  }

  private mutating func codedCount(in range: Range<Int>) throws(StreamFault) -> Int {
    let count = try cursor.varint()
    guard count <= range.count else {
      throw .damaged("a block of \(range.count) units codes \(count)")
    }
    return count
  }

  /// Reads the next block; nil when none of its units is coded.
  ///
  /// - Parameter source: the block's units on one side, which some blocks need.
  mutating func block(
    of range: Range<Int>, unit: CodingUnit, source: BlockSource? = nil
  ) throws(StreamFault) -> PatchBlock? {
    if codec == .context {
      return try contextBlock(of: range, unit: unit).map { (block) throws(StreamFault) in
        try block.block(source, mask: masked(by: block, range))
      }
    }
    let count = try codedCount(in: range)
    if count == 0 { return nil }
    let positions = try IndexCoding.decode(
      &cursor, count: count, unitCount: range.count, masked: mask?.positions(in: range))
    let differences =
      switch unit.width {
      case .one: try ValueCoding.decode(&cursor, count: count, as: UInt8.self)
      case .two: try ValueCoding.decode(&cursor, count: count, as: UInt16.self)
      case .four: try ValueCoding.decode(&cursor, count: count, as: UInt32.self)
      case .eight: try ValueCoding.decode(&cursor, count: count, as: UInt64.self)
      }
    return PatchBlock(units: range, positions: positions, differences: differences)
  }
}

// MARK: Codec context

extension UnitStreamDecoder {
  /// Takes the next block of the codec `context`; nil when none of its units is coded.
  private mutating func contextBlock(
    of range: Range<Int>, unit: CodingUnit
  ) throws(StreamFault) -> ContextBlockDecoder? {
    let byteCount = try cursor.varint()
    if byteCount == 0 { return nil }
    return try ContextBlockDecoder(try cursor.take(byteCount), units: range, unit: unit)
  }

  private func masked(by block: ContextBlockDecoder, _ range: Range<Int>) -> [UInt32]? {
    block.needsMask ? mask?.positions(in: range) : nil
  }

  /// What is known of a block without a source.
  enum CodedUnits {
    case block(PatchBlock)
    /// The coded units, relative to the range; their values need a source.
    case positions(Range<Int>, [UInt32])
  }

  /// Reads a stream of differences as far as it can be read without a source.
  mutating func decodeCoded(
    unit: CodingUnit, unitCount: Int, _ body: (CodedUnits) -> Void
  ) throws(StreamFault) {
    let layout = try BlockLayout(unitCount: unitCount, cursor: &cursor)
    for index in 0..<layout.blockCount {
      let range = layout.range(of: index)
      if codec == .context {
        guard let block = try contextBlock(of: range, unit: unit) else { continue }
        if block.needsSource {
          let all = 0..<UInt32(range.count)
          let mask = masked(by: block, range)
          body(.positions(range, try block.positions(mask: mask) ?? Array(all)))
        } else {
          body(.block(try block.block(nil, mask: masked(by: block, range))))
        }
      } else if let block = try block(of: range, unit: unit) {
        body(.block(block))
      }
    }
  }
}

// MARK: Sizes

/// Bytes that a unit stream spends on positions and on values.
struct StreamSizes: Sendable {
  var index = 0
  var values = 0
}

extension UnitStreamDecoder {
  /// Adds up a stream's sizes without inflating anything.
  mutating func measure(unit: CodingUnit, unitCount: Int) throws(StreamFault) -> StreamSizes {
    var sizes = StreamSizes()
    let total = cursor.remaining
    let layout = try BlockLayout(unitCount: unitCount, cursor: &cursor)
    for index in 0..<layout.blockCount {
      let range = layout.range(of: index)
      if codec == .context {
        if let block = try contextBlock(of: range, unit: unit) {
          sizes.values += try block.sizes().values
        }
        continue
      }
      let count = try codedCount(in: range)
      if count == 0 { continue }
      try IndexCoding.skip(&cursor, count: count, unitCount: range.count)
      let start = cursor.remaining
      for _ in 0..<unit.byteCount { try Part.skip(&cursor, count: count) }
      sizes.values += start - cursor.remaining
    }
    sizes.index = total - cursor.remaining - sizes.values
    return sizes
  }
}
