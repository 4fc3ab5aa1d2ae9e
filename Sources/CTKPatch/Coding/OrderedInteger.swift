/// Unsigned words that units are made of.
package protocol UnitWord: FixedWidthInteger, UnsignedInteger, Sendable where Magnitude == Self {}

extension UInt8: UnitWord {}
extension UInt16: UnitWord {}
extension UInt32: UnitWord {}
extension UInt64: UnitWord {}

/// The bijection between a unit's bits and integers in numeric order
/// (`formats/patch.md` section 5.2).
package struct OrderedInteger<Word: UnitWord> {
  /// All ones for float order, zero for plain order: keeps loops free of branches.
  private let enabled: Word

  package init(isFloat: Bool) { enabled = isFloat ? .max : 0 }

  private static var topBit: Word { 1 << (Word.bitWidth - 1) }

  @inline(__always)
  package func encode(_ bits: Word) -> Word {
    let negative = 0 &- (bits >> (Word.bitWidth - 1))
    return bits ^ ((negative | Self.topBit) & enabled)
  }

  @inline(__always)
  package func decode(_ integer: Word) -> Word {
    let negative = (integer >> (Word.bitWidth - 1)) &- 1
    return integer ^ ((negative | Self.topBit) & enabled)
  }

  @inline(__always)
  package func difference(from base: Word, to target: Word) -> Word {
    encode(target) &- encode(base)
  }
}

/// Differences with small steps of either sign as small numbers (section 5.3).
package enum Zigzag {
  @inline(__always)
  package static func encode<Word: UnitWord>(_ difference: Word) -> Word {
    (difference << 1) ^ (0 &- (difference >> (Word.bitWidth - 1)))
  }

  @inline(__always)
  package static func decode<Word: UnitWord>(_ zigzag: Word) -> Word {
    (zigzag >> 1) ^ (0 &- (zigzag & 1))
  }
}
