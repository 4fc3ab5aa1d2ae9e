/// Finds graphemes (UAX #29) as far as their first five bytes tell them apart.
///
/// Rules that only ever join graphemes of six bytes and more are left out: Hangul letters, flags,
/// emoji sequences and Indic conjuncts.
struct GraphemeScanner: Sendable {
  private enum Class {
    static let other: UInt32 = 0
    static let extender: UInt32 = 1
    static let preceder: UInt32 = 2
    static let control: UInt32 = 3
  }

  private static let classes: ScalarMap = {
    var builder = ScalarMapBuilder()
    builder.fill(pairs: GraphemeRanges.extenders, with: Class.extender)
    builder.fill(pairs: GraphemeRanges.preceders, with: Class.preceder)
    builder.fill(pairs: GraphemeRanges.controls, with: Class.control)
    return ScalarMap(builder)
  }()

  private let classes = Self.classes

  /// The end of the grapheme that starts at `start`.
  func end(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    if text[start] == 0x0D && start + 1 < text.count && text[start + 1] == 0x0A {
      return start + 2
    }
    var (scalar, width) = decodeScalar(text, at: start)
    var end = start + width
    var joinsNext = classes[scalar] == Class.preceder
    if classes[scalar] == Class.control { return end }
    while end < text.count {
      (scalar, width) = decodeScalar(text, at: end)
      let found = classes[scalar]
      if found == Class.control || found != Class.extender && !joinsNext { return end }
      joinsNext = found == Class.preceder
      end += width
    }
    return end
  }
}
