/// Positions and differences of the block at hand, reused from block to block.
struct ScratchBlock<Word: UnitWord> {
  private var positions: [UInt32] = []
  private var differences: [Word] = []
  private var count = 0
  /// Whether readers have the positions, so that they are not written.
  private var isMasked = false

  var isEmpty: Bool { count == 0 }

  mutating func clear() { count = 0 }

  /// Takes more entries from `body`, which returns how many it wrote.
  ///
  /// - Parameters:
  ///   - capacity: the most that `body` writes; memory grows with what it did write.
  ///   - offset: is added to the positions.
  mutating func append(
    capacity: Int, offset: Int,
    _ body: (UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Word>) -> Int
  ) -> Int {
    reserve(count + capacity)
    let start = count
    let added = positions.withUnsafeMutableBufferPointer { positions in
      differences.withUnsafeMutableBufferPointer { differences in
        guard let first = positions.baseAddress, let second = differences.baseAddress else {
          return 0
        }
        let added = body(first + start, second + start)
        if offset > 0 {
          for entry in start..<start + added { first[entry] += UInt32(offset) }
        }
        return added
      }
    }
    count += added
    return added
  }

  private mutating func reserve(_ capacity: Int) {
    let missing = capacity - differences.count
    if missing <= 0 { return }
    positions.append(contentsOf: repeatElement(0, count: missing))
    differences.append(contentsOf: repeatElement(0, count: missing))
  }

  /// The changes alone, or all units with zeros between, whichever is smaller.
  ///
  /// Narrow words with many changes may cost less without an index.
  mutating func encodedSmallest(of range: Range<Int>) -> [UInt8] {
    let sparse = encodedChanges(of: range)
    guard mayBeDense(range) else { return sparse }
    spread(over: range.count)
    let dense = encodedWhole(of: range)
    return dense.count < sparse.count ? dense : sparse
  }

  private func mayBeDense(_ range: Range<Int>) -> Bool {
    !isMasked && Word.bitWidth <= 16 && count * 4 >= range.count && count < range.count
  }

  /// Puts every difference at its position, with zeros between.
  private mutating func spread(over unitCount: Int) {
    reserve(unitCount)
    var end = unitCount
    // From the back: no entry lies beyond its position.
    for entry in stride(from: count - 1, through: 0, by: -1) {
      let position = Int(positions[entry])
      let difference = differences[entry]
      for unit in position + 1..<end { differences[unit] = 0 }
      differences[position] = difference
      end = position
    }
    for unit in 0..<end { differences[unit] = 0 }
    count = unitCount
  }

  private func encodedChanges(of range: Range<Int>) -> [UInt8] {
    var output: [UInt8] = []
    output.appendVarint(count)
    if count == 0 { return output }
    positions.withUnsafeBufferPointer { positions in
      if isMasked { return IndexCoding.encodeMasked(to: &output) }
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

  /// As `encodedSmallest`, by the codec `context`.
  ///
  mutating func encodedSmallest(
    _ changes: BlockChanges, encoder: borrowing ContextBlockEncoder
  ) -> [UInt8] {
    if count == 0 { return [0] }
    let place = changes.place
    let sparse = withEntries { positions, differences in
      encoder.encode(
        place, positions: positions.baseAddress, differences: differences,
        source: changes.source, rounding: changes.rounding, isMasked: isMasked)
    }
    guard mayBeDense(place.units) else { return Self.framed(sparse) }
    spread(over: place.units.count)
    let dense = withEntries { _, differences in
      encoder.encode(place, positions: nil, differences: differences, source: changes.source)
    }
    return Self.framed(dense.count < sparse.count ? dense : sparse)
  }

  func encodedWhole(
    of place: BlockPlace, encoder: borrowing ContextBlockEncoder
  ) -> [UInt8] {
    Self.framed(withEntries { encoder.encodeWhole(place, differences: $1) })
  }

  private func withEntries<Result>(
    _ body: (UnsafeBufferPointer<UInt32>, UnsafeBufferPointer<Word>) -> Result
  ) -> Result {
    positions.withUnsafeBufferPointer { positions in
      differences.withUnsafeBufferPointer { differences in
        body(
          UnsafeBufferPointer(rebasing: positions[..<count]),
          UnsafeBufferPointer(rebasing: differences[..<count]))
      }
    }
  }

  /// A block of the codec `context` behind its byte count.
  private static func framed(_ block: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(block.count + 5)
    output.appendVarint(block.count)
    output.append(contentsOf: block)
    return output
  }

  private func appendValues(to output: inout [UInt8]) {
    differences.withUnsafeBufferPointer { differences in
      ValueCoding.encode(UnsafeBufferPointer(rebasing: differences[..<count]), to: &output)
    }
  }
}

// MARK: Masks

extension ScratchBlock {
  /// The block with an entry for every position of a mask, 0 where nothing changes; nil
  /// when something else changes, too.
  func masked(by mask: [UInt32]) -> ScratchBlock? {
    var (result, entry) = (ScratchBlock(), 0)
    result.positions = mask
    result.differences = [Word](repeating: 0, count: mask.count)
    result.count = mask.count
    result.isMasked = true
    for (index, position) in mask.enumerated() where entry < count {
      if positions[entry] == position {
        result.differences[index] = differences[entry]
        entry += 1
      }
    }
    return entry == count ? result : nil
  }

  /// Whether most entries are of units that another block does not have.
  func isSparser(than other: ScratchBlock) -> Bool { count > 2 * other.count }
}
