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
}
