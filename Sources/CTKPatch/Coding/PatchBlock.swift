/// Differences of some units of a contiguous run of a tensor's units.
public struct PatchBlock: Sendable {
  /// The run of units that the block covers.
  public let units: Range<Int>
  /// Coded units, ascending and relative to `units.lowerBound`; nil for all of them.
  public let positions: [UInt32]?
  /// One difference for each coded unit, as words of the unit's width in this
  /// machine's byte order.
  public let differences: [UInt8]

  /// How many units are coded.
  func codedCount(unit: CodingUnit) -> Int { differences.count / unit.byteCount }

  /// Adds the differences, or takes them away, modulo the unit's width.
  ///
  /// - Parameter bytes: the whole tensor, little-endian.
  public func add(
    to bytes: UnsafeMutableRawBufferPointer, unit: CodingUnit, reverting: Bool
  ) {
    add(to: bytes, origin: 0, unit: unit, reverting: reverting)
  }

  /// As above, on a part of the tensor.
  ///
  /// - Parameters:
  ///   - bytes: units from `origin` on.
  ///   - entries: the coded units to change; nil for all of them.
  func add(
    to bytes: UnsafeMutableRawBufferPointer, origin: Int, entries: Range<Int>? = nil,
    unit: CodingUnit, reverting: Bool
  ) {
    switch unit.width {
    case .one: add(to: bytes, origin, entries, as: UInt8.self, unit.isFloat, reverting)
    case .two: add(to: bytes, origin, entries, as: UInt16.self, unit.isFloat, reverting)
    case .four: add(to: bytes, origin, entries, as: UInt32.self, unit.isFloat, reverting)
    case .eight: add(to: bytes, origin, entries, as: UInt64.self, unit.isFloat, reverting)
    }
  }

  private func add<Word: UnitWord>(
    to bytes: UnsafeMutableRawBufferPointer, _ origin: Int, _ entries: Range<Int>?,
    as _: Word.Type, _ isFloat: Bool, _ reverting: Bool
  ) {
    let size = MemoryLayout<Word>.size
    let entries = entries ?? 0..<differences.count / size
    if entries.isEmpty { return }
    let first = units.lowerBound - origin
    let last = first + (positions.map { Int($0[entries.upperBound - 1]) } ?? entries.upperBound - 1)
    precondition(
      first + (positions == nil ? entries.lowerBound : 0) >= 0 && (last + 1) * size <= bytes.count,
      "the block lies outside the bytes at hand")
    let ordered = OrderedInteger<Word>(isFloat: isFloat)
    // Two's complement: xor with all ones and adding one negates.
    let negation: Word = reverting ? .max : 0
    differences.withUnsafeBytes { differences in
      @inline(__always)
      func change(_ entry: Int, at unit: Int) {
        let stored = differences.loadUnaligned(fromByteOffset: entry * size, as: Word.self)
        let difference = (stored ^ negation) &- negation
        let bits = Word(
          littleEndian: bytes.loadUnaligned(fromByteOffset: unit * size, as: Word.self))
        let result = ordered.decode(ordered.encode(bits) &+ difference)
        bytes.storeBytes(of: result.littleEndian, toByteOffset: unit * size, as: Word.self)
      }
      if let positions {
        positions.withUnsafeBufferPointer { positions in
          for entry in entries { change(entry, at: first + Int(positions[entry])) }
        }
      } else {
        for entry in entries { change(entry, at: first + entry) }
      }
    }
  }

  /// Coded units whose difference is not 0.
  func changeCount(unit: CodingUnit) -> Int {
    switch unit.width {
    case .one: countNonzero(as: UInt8.self)
    case .two: countNonzero(as: UInt16.self)
    case .four: countNonzero(as: UInt32.self)
    case .eight: countNonzero(as: UInt64.self)
    }
  }

  private func countNonzero<Word: UnitWord>(as _: Word.Type) -> Int {
    let size = MemoryLayout<Word>.size
    return differences.withUnsafeBytes { bytes in
      var count = 0
      for entry in 0..<bytes.count / size
      where bytes.loadUnaligned(fromByteOffset: entry * size, as: Word.self) != 0 {
        count += 1
      }
      return count
    }
  }
}
