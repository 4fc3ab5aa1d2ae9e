import CTKCore

/// Changes of one tensor in a row, added up.
struct SummedChanges {
  private static let windowWidth = 1 << 16

  let unit: CodingUnit
  let unitCount: Int
  let patches: [TensorPatch]
  /// The tensor before the first change, if it is known.
  let base: UnsafeRawBufferPointer?

  /// Writes the sum as a unit stream.
  func encode(
    _ encoder: UnitStreamEncoder, to sink: UnitStreamEncoder.Sink
  ) throws(PatchError) -> EncodedStream {
    switch unit.width {
    case .one: try encode(encoder, as: UInt8.self, to: sink)
    case .two: try encode(encoder, as: UInt16.self, to: sink)
    case .four: try encode(encoder, as: UInt32.self, to: sink)
    case .eight: try encode(encoder, as: UInt64.self, to: sink)
    }
  }

  private func encode<Word: UnitWord>(
    _ encoder: UnitStreamEncoder, as word: Word.Type, to sink: UnitStreamEncoder.Sink
  ) throws(PatchError) -> EncodedStream {
    try encoder.encodeChanges(
      unitCount: unitCount, changes: count(as: word), base: base, to: sink
    ) {
      (range, positions, differences: UnsafeMutablePointer<Word>) in
      sum(over: range, into: differences)
      // The sums are packed where they lie: no entry moves backwards.
      var count = 0
      for unit in 0..<range.count where differences[unit] != 0 {
        positions[count] = UInt32(unit)
        differences[count] = differences[unit]
        count += 1
      }
      return count
    }
  }

  /// The encoder chooses its blocks by the number of changes, so it comes first.
  private func count<Word: UnitWord>(as _: Word.Type) -> Int {
    withUnsafeTemporaryAllocation(of: Word.self, capacity: Self.windowWidth) { sums in
      guard let first = sums.baseAddress else { return 0 }
      var count = 0
      for window in Windows(unitCount: unitCount, width: Self.windowWidth) {
        sum(over: window, into: first)
        for unit in 0..<window.count { count += first[unit] == 0 ? 0 : 1 }
      }
      return count
    }
  }

  private func sum<Word: UnitWord>(
    over window: Range<Int>, into sums: UnsafeMutablePointer<Word>
  ) {
    sums.initialize(repeating: 0, count: window.count)
    for patch in patches { patch.add(within: window, to: sums) }
  }
}
