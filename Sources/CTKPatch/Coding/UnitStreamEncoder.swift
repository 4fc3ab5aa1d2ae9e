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
    let unitCount = base.count / unit.byteCount
    let layout = layout(unitCount: unitCount, changes: scanner.count())
    try sink([UInt8(layout.shift)])
    var block = ScratchBlock<Word>(capacity: min(1 << layout.shift, unitCount))
    var changes = 0
    for index in 0..<layout.blockCount {
      let range = layout.range(of: index)
      changes += block.fillChanges(of: range, scanner: scanner)
      try sink(block.encodedSmallest(of: range, scanner: scanner))
    }
    return changes
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
      block.fillWhole(of: range, scanner: scanner)
      try sink(block.encodedWhole(of: range))
    }
  }
}

/// Positions and differences of the block at hand, reused from block to block.
private struct ScratchBlock<Word: UnitWord> {
  private var positions: [UInt32]
  private var differences: [Word]
  private var count = 0

  init(capacity: Int) {
    positions = [UInt32](repeating: 0, count: capacity)
    differences = [Word](repeating: 0, count: capacity)
  }

  mutating func fillChanges(of range: Range<Int>, scanner: ChangeScanner<Word>) -> Int {
    let found = positions.withUnsafeMutableBufferPointer { positions in
      differences.withUnsafeMutableBufferPointer { differences in
        guard let first = positions.baseAddress, let second = differences.baseAddress else {
          return 0
        }
        return scanner.scan(range, positions: first, differences: second)
      }
    }
    count = found
    return found
  }

  mutating func fillWhole(of range: Range<Int>, scanner: ChangeScanner<Word>) {
    differences.withUnsafeMutableBufferPointer { differences in
      if let first = differences.baseAddress {
        scanner.scanFromZero(range, differences: first)
      }
    }
    count = range.count
  }

  /// The changes alone, or all units with zeros between, whichever is smaller.
  ///
  /// Narrow words with many changes may cost less without an index.
  mutating func encodedSmallest(
    of range: Range<Int>, scanner: ChangeScanner<Word>
  ) -> [UInt8] {
    let sparse = encodedChanges(of: range)
    guard Word.bitWidth <= 16, count * 4 >= range.count, count < range.count else {
      return sparse
    }
    differences.withUnsafeMutableBufferPointer { differences in
      if let first = differences.baseAddress { scanner.scanAll(range, differences: first) }
    }
    count = range.count
    let dense = encodedWhole(of: range)
    return dense.count < sparse.count ? dense : sparse
  }

  private func encodedChanges(of range: Range<Int>) -> [UInt8] {
    var output: [UInt8] = []
    output.appendVarint(count)
    if count == 0 { return output }
    positions.withUnsafeBufferPointer { positions in
      IndexCoding.encode(
        UnsafeBufferPointer(rebasing: positions[..<count]), unitCount: range.count, to: &output)
    }
    appendValues(to: &output)
    return output
  }

  func encodedWhole(of range: Range<Int>) -> [UInt8] {
    var output: [UInt8] = []
    output.appendVarint(range.count)
    output.append(0)
    appendValues(to: &output)
    return output
  }

  private func appendValues(to output: inout [UInt8]) {
    differences.withUnsafeBufferPointer { differences in
      ValueCoding.encode(UnsafeBufferPointer(rebasing: differences[..<count]), to: &output)
    }
  }
}
