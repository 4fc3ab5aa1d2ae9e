/// The arithmetic decomposition of Hangul syllables (Unicode Standard, section 3.12).
enum Hangul {
  static let syllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

  private static let leadingBase: UInt32 = 0x1100
  private static let vowelBase: UInt32 = 0x1161
  private static let trailingBase: UInt32 = 0x11A7
  private static let vowelCount: UInt32 = 21
  private static let trailingCount: UInt32 = 28

  /// Gives the two or three letters of a syllable.
  static func decompose(_ syllable: UInt32, _ receive: (UInt32) -> Void) {
    let index = syllable - syllables.lowerBound
    let (block, trailing) = index.quotientAndRemainder(dividingBy: trailingCount)
    receive(leadingBase + block / vowelCount)
    receive(vowelBase + block % vowelCount)
    if trailing != 0 { receive(trailingBase + trailing) }
  }

  /// The syllable of a leading letter and a vowel, or of a syllable and a trailing letter.
  static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if (leadingBase..<leadingBase + 19).contains(first)
      && (vowelBase..<vowelBase + vowelCount).contains(second)
    {
      let block = (first - leadingBase) * vowelCount + second - vowelBase
      return syllables.lowerBound + block * trailingCount
    }
    let isOpen =
      syllables.contains(first) && (first - syllables.lowerBound) % trailingCount == 0
    let isTrailing = (trailingBase + 1..<trailingBase + trailingCount).contains(second)
    return isOpen && isTrailing ? first + second - trailingBase : nil
  }
}
