import CTKTestSupport
import CTKText
import Foundation
import Testing

@Suite("Random text", .tags(.hostile))
struct RandomTextTests {
  static let options: [BertNormalizer.Options] = [
    .init(), .init(lowercases: false), .init(stripsAccents: false),
    .init(cleansText: false, spacesIdeographs: false, stripsAccents: true, lowercases: false),
  ]

  @Test("The ASCII table gives what the general path gives", arguments: options)
  func asciiTable(_ options: BertNormalizer.Options) {
    let normalizer = BertNormalizer(options)
    var generator = SeededGenerator(seed: 11)
    var fast = ByteBuffer()
    var general = ByteBuffer()
    for round in 0..<2000 {
      let text = Array(Self.randomText(&generator).utf8)
      text.withUnsafeBufferPointer {
        normalizer.normalize($0, into: &fast)
        normalizer.normalize($0, into: &general, usesASCIITable: false)
      }
      #expect(Array(fast.bytes) == Array(general.bytes), "round \(round)")
    }
  }

  /// Only marks that accent stripping keeps, so that Foundation's decomposition is the answer.
  @Test("Marks are put into canonical order")
  func canonicalOrder() {
    let normalizer = BertNormalizer(
      .init(cleansText: false, spacesIdeographs: false, stripsAccents: true, lowercases: false))
    let marks: [Unicode.Scalar] = [
      "\u{1D165}", "\u{1D16D}", "\u{302E}", "\u{302F}", "\u{1B44}", "\u{1D166}", "\u{1D16E}",
    ]
    var generator = SeededGenerator(seed: 12)
    var buffer = ByteBuffer()
    for _ in 0..<500 {
      var text = String.UnicodeScalarView()
      for _ in 0..<8 {
        text.append(
          generator.next() % 4 == 0 ? "\u{1D15E}" : marks.randomElement(using: &generator) ?? "a")
      }
      let string = String(text)
      Array(string.utf8).withUnsafeBufferPointer { normalizer.normalize($0, into: &buffer) }
      #expect(
        Array(buffer.bytes) == Array(string.decomposedStringWithCanonicalMapping.utf8), "\(string)")
    }
  }

  @Test("Any text gives ids of the vocabulary within the bound")
  func boundedIDs() throws {
    let tokenizer = try TokenizerFolder.load(Fixtures.path("text/added-tokens"))
    var generator = SeededGenerator(seed: 13)
    for round in 0..<2000 {
      let (first, second) = (Self.randomText(&generator), Self.randomText(&generator))
      let maxLength = 3 + Int(generator.next() % 20)
      let encoding = tokenizer.encode(first, pair: second, maxLength: maxLength)
      #expect(encoding.inputIDs.count <= maxLength, "round \(round)")
      #expect(encoding.inputIDs.count == encoding.tokenTypeIDs.count)
      #expect(encoding.inputIDs.allSatisfy { (0...Int32(tokenizer.maxTokenID)).contains($0) })
      let whole = tokenizer.encode(first)
      #expect(whole.inputIDs.count <= 2 + first.unicodeScalars.count * 3)
    }
  }

  /// A long run of marks in falling order is the slowest text to sort.
  @Test("A long run of marks takes no quadratic time", .timeLimit(.minutes(1)))
  func longRunOfMarks() throws {
    let tokenizer = try TokenizerFolder.load(Fixtures.path("checkpoints/bert/pt"))
    let text = "a" + String(repeating: "\u{1D16D}\u{302E}\u{1D165}\u{1B44}", count: 200_000)
    #expect(tokenizer.encode(text).inputIDs == [2, 1, 3])
  }

  /// Texts of ASCII, marks, ideographs, syllables and any scalar at all.
  static func randomText(_ generator: inout SeededGenerator) -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<generator.next() % 40 {
      let range: ClosedRange<UInt64> =
        switch generator.next() % 8 {
        case 0...3: 0x00...0x7F
        case 4: 0xA0...0x36F
        case 5: 0x4E00...0xD7A3
        case 6: 0x1D100...0x1D1FF
        default: 0...0x10FFFF
        }
      let value = range.lowerBound + generator.next() % UInt64(range.count)
      if let scalar = Unicode.Scalar(UInt32(value)) { text.append(scalar) }
    }
    return String(text)
  }
}
