import CTKCore

/// New contents of some words of a file (`formats/journal.md` section 3).
///
/// Words are absolute, so writing them twice does no harm.
struct RedoRecord {
  let file: Int
  /// Where the first word lies in the file.
  let start: Int
  /// Bytes of a word; 1 for a plain run of bytes.
  let width: Int
  /// Positions in words from `start`, ascending; nil for a run without gaps.
  let positions: [UInt32]?
  let words: UnsafeRawBufferPointer

  /// The range of the file that the words span.
  var range: Range<Int> {
    let last = positions.map { Int($0.last ?? 0) } ?? words.count / width - 1
    return start..<start + (last + 1) * width
  }

  /// Writes the words into a copy of `range`.
  func write(to window: UnsafeMutableRawBufferPointer, changed: (Range<Int>) -> Void) {
    guard let positions else {
      window.copyMemory(from: words)
      changed(0..<words.count)
      return
    }
    for (entry, position) in positions.enumerated() {
      let bytes = Int(position) * width..<(Int(position) + 1) * width
      UnsafeMutableRawBufferPointer(rebasing: window[bytes]).copyMemory(
        from: UnsafeRawBufferPointer(rebasing: words[entry * width..<(entry + 1) * width]))
      changed(bytes)
    }
  }
}

// MARK: Writing

extension RedoRecord {
  /// Appends the record that turns `old` into `new`, or nothing when they are equal.
  static func append(
    to output: inout [UInt8], file: Int, start: Int, old: UnsafeRawBufferPointer,
    new: UnsafeRawBufferPointer, unit: CodingUnit
  ) {
    switch unit.width {
    case .one: append(to: &output, file, start, old, new, as: UInt8.self)
    case .two: append(to: &output, file, start, old, new, as: UInt16.self)
    case .four: append(to: &output, file, start, old, new, as: UInt32.self)
    case .eight: append(to: &output, file, start, old, new, as: UInt64.self)
    }
  }

  private static func append<Word: UnitWord>(
    to output: inout [UInt8], _ file: Int, _ start: Int, _ old: UnsafeRawBufferPointer,
    _ new: UnsafeRawBufferPointer, as _: Word.Type
  ) {
    let size = MemoryLayout<Word>.size
    let unitCount = new.count / size
    let scanner = ChangeScanner<Word>(base: old, tuned: new, isFloat: false)
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: max(unitCount, 1)) { positions in
      withUnsafeTemporaryAllocation(of: Word.self, capacity: max(unitCount, 1)) { differences in
        guard let first = positions.baseAddress, let second = differences.baseAddress else {
          return
        }
        let count = scanner.scan(0..<unitCount, positions: first, differences: second)
        if count == 0 { return }
        output.appendVarint(file)
        if count * (size + 1) >= new.count {
          output.appendVarint(start)
          output.append(0)
          output.appendVarint(new.count)
          output.append(contentsOf: new)
          return
        }
        output.appendVarint(start + Int(first[0]) * size)
        output.append(UInt8(size))
        output.appendVarint(count)
        for entry in 1..<max(count, 1) {
          output.appendVarint(Int(first[entry] - first[entry - 1]) - 1)
        }
        for entry in 0..<count {
          let bytes = Int(first[entry]) * size..<(Int(first[entry]) + 1) * size
          output.append(contentsOf: UnsafeRawBufferPointer(rebasing: new[bytes]))
        }
      }
    }
  }
}

// MARK: Reading

extension RedoRecord {
  /// Bytes of a file that one record may span, far above what is written.
  private static let spanLimit = 1 << 26

  /// Reads the next record.
  ///
  /// - Parameter byteCounts: sizes of the files, which bound the record.
  init(_ cursor: inout ByteCursor, byteCounts: [Int]) throws(StreamFault) {
    file = try cursor.varint()
    guard byteCounts.indices.contains(file) else { throw .damaged("file \(file)") }
    start = try cursor.varint()
    let form = try cursor.byte()
    guard [0, 1, 2, 4, 8].contains(form) else { throw .unsupported("record form \(form)") }
    width = max(Int(form), 1)
    let count = try cursor.varint()
    guard count > 0, count <= cursor.remaining else { throw .damaged("a record of \(count)") }
    positions = form == 0 ? nil : try Self.positions(&cursor, count: count)
    words = try cursor.take(count * width)
    guard range.count <= Self.spanLimit, range.upperBound <= byteCounts[file] else {
      throw .damaged("a record lies outside its file")
    }
  }

  private static func positions(
    _ cursor: inout ByteCursor, count: Int
  ) throws(StreamFault) -> [UInt32] {
    var positions: [UInt32] = [0]
    var last = 0
    for _ in 1..<max(count, 1) {
      let gap = try cursor.varint()
      guard gap < spanLimit, last + gap < spanLimit else { throw .damaged("a gap of \(gap)") }
      last += gap + 1
      positions.append(UInt32(last))
    }
    return positions
  }
}
