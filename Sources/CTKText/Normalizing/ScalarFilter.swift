/// Removes some scalars and makes spaces of others (`StripAccents`, `Nmt`).
struct ScalarFilter: Sendable {
  private enum Fate {
    static let kept: UInt32 = 0
    static let removed: UInt32 = 1
    static let space: UInt32 = 2
  }

  private let fates: ScalarMap
  private let leavesASCII: Bool

  /// Removes combining marks.
  static let marks: ScalarFilter = {
    var builder = ScalarMapBuilder()
    builder.fill(pairs: MarkTables.marks, with: Fate.removed)
    return ScalarFilter(fates: ScalarMap(builder), leavesASCII: true)
  }()

  /// The clean-up of neural machine translation: control characters go, some others are spaces.
  static let translation: ScalarFilter = {
    var builder = ScalarMapBuilder()
    builder.fill(
      pairs: [0x1, 0x8, 0xB, 0xB, 0xE, 0x1F, 0x7F, 0x7F, 0x8F, 0x8F, 0x9F, 0x9F],
      with: Fate.removed)
    builder.fill(
      pairs: [
        0x9, 0xA, 0xC, 0xD, 0x1680, 0x1680, 0x200B, 0x200F, 0x2028, 0x2029, 0x2581, 0x2581, 0xFEFF,
        0xFEFF, 0xFFFD, 0xFFFD,
      ], with: Fate.space)
    return ScalarFilter(fates: ScalarMap(builder), leavesASCII: false)
  }()

  /// - Returns: false where nothing changes.
  func apply(to text: UnsafeBufferPointer<UInt8>, into output: inout ByteBuffer) -> Bool {
    if leavesASCII && text.isASCII { return false }
    output.reset(room: text.count)
    var position = 0
    while position < text.count {
      let (scalar, width) = decodeScalar(text, at: position)
      switch fates[scalar] {
      case Fate.removed: break
      case Fate.space: output.append(UInt8(ascii: " "))
      default: for offset in 0..<width { output.append(text[position + offset]) }
      }
      position += width
    }
    return true
  }
}
