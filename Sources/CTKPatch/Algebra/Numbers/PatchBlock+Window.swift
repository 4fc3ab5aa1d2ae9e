extension PatchBlock {
  /// Adds the differences of the units within a window to one sum for each unit of it.
  ///
  /// - Parameter sums: `window.count` words.
  func add<Word: UnitWord>(within window: Range<Int>, to sums: UnsafeMutablePointer<Word>) {
    let common = units.clamped(to: window)
    if common.isEmpty { return }
    let offset = units.lowerBound - window.lowerBound
    differences.withUnsafeBytes { bytes in
      @inline(__always)
      func difference(_ entry: Int) -> Word {
        bytes.loadUnaligned(fromByteOffset: entry * MemoryLayout<Word>.size, as: Word.self)
      }
      guard let positions else {
        for unit in common {
          sums[unit - window.lowerBound] &+= difference(unit - units.lowerBound)
        }
        return
      }
      positions.withUnsafeBufferPointer { positions in
        let end = common.upperBound - units.lowerBound
        var entry = Self.firstEntry(at: common.lowerBound - units.lowerBound, in: positions)
        while entry < positions.count, Int(positions[entry]) < end {
          sums[offset + Int(positions[entry])] &+= difference(entry)
          entry += 1
        }
      }
    }
  }

  /// Index of the first position that is not below `unit`.
  private static func firstEntry(
    at unit: Int, in positions: UnsafeBufferPointer<UInt32>
  ) -> Int {
    var (low, high) = (0, positions.count)
    while low < high {
      let middle = (low + high) / 2
      if Int(positions[middle]) < unit { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension TensorPatch {
  /// Adds the differences within a window to one sum for each unit of it.
  func add<Word: UnitWord>(within window: Range<Int>, to sums: UnsafeMutablePointer<Word>) {
    for block in blocks { block.add(within: window, to: sums) }
  }
}

/// Runs of units that a tensor is worked through in.
struct Windows: Sequence, IteratorProtocol {
  private let unitCount: Int
  private let width: Int
  private var start = 0

  init(unitCount: Int, width: Int) {
    self.unitCount = unitCount
    self.width = width
  }

  mutating func next() -> Range<Int>? {
    guard start < unitCount else { return nil }
    defer { start += width }
    return start..<Swift.min(start + width, unitCount)
  }
}
