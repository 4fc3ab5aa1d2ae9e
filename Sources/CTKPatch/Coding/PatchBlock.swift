/// Differences of some units of a contiguous run of a tensor's units.
public struct PatchBlock: Sendable {
  /// The run of units that the block covers.
  public let units: Range<Int>
  /// Coded units, ascending and relative to `units.lowerBound`; nil for all of them.
  public let positions: [UInt32]?
  /// One difference for each coded unit, as words of the unit's width in this
  /// machine's byte order.
  public let differences: [UInt8]

  /// Adds the differences, or takes them away, modulo the unit's width.
  ///
  /// - Parameter bytes: the whole tensor, little-endian.
  public func add(
    to bytes: UnsafeMutableRawBufferPointer, unit: CodingUnit, reverting: Bool
  ) {
    precondition(units.upperBound * unit.byteCount <= bytes.count, "the tensor is too short")
    switch unit.width {
    case .one: add(to: bytes, as: UInt8.self, isFloat: unit.isFloat, reverting: reverting)
    case .two: add(to: bytes, as: UInt16.self, isFloat: unit.isFloat, reverting: reverting)
    case .four: add(to: bytes, as: UInt32.self, isFloat: unit.isFloat, reverting: reverting)
    case .eight: add(to: bytes, as: UInt64.self, isFloat: unit.isFloat, reverting: reverting)
    }
  }

  private func add<Word: UnitWord>(
    to bytes: UnsafeMutableRawBufferPointer, as _: Word.Type, isFloat: Bool, reverting: Bool
  ) {
    let size = MemoryLayout<Word>.size
    let ordered = OrderedInteger<Word>(isFloat: isFloat)
    // Two's complement: xor with all ones and adding one negates.
    let negation: Word = reverting ? .max : 0
    let first = units.lowerBound
    differences.withUnsafeBytes { differences in
      let count = differences.count / size
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
          for entry in 0..<count { change(entry, at: first + Int(positions[entry])) }
        }
      } else {
        for entry in 0..<count { change(entry, at: first + entry) }
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
