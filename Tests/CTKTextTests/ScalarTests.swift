import CTKCore
import CTKTestSupport
import CTKText
import Testing

/// The recorded digest of one normalizer over all scalars.
struct ScalarDigest: Sendable, CustomTestStringConvertible {
  let options: BertNormalizer.Options
  let sha256: String

  var testDescription: String { "\(options)" }

  static func all() throws -> [ScalarDigest] {
    let file = try JSONParser.parseFile(Fixtures.path("text/scalars.json"))
    return try #require(file["normalizers"]?.arrayValue).map { row in
      ScalarDigest(
        options: BertNormalizer.Options(
          cleansText: try flag(row, "clean_text"),
          spacesIdeographs: try flag(row, "handle_chinese_chars"),
          stripsAccents: try flag(row, "strip_accents"),
          lowercases: try flag(row, "lowercase")),
        sha256: try #require(row["sha256"]?.stringValue))
    }
  }

  private static func flag(_ row: JSONValue, _ key: String) throws -> Bool {
    let value: Bool? = row[key]?.boolValue
    return try #require(value as Bool?)
  }
}

@Suite("Every Unicode scalar", .tags(.format))
struct ScalarTests {
  static let scalars = (UInt32(0)..<0x110000).compactMap(Unicode.Scalar.init)

  @Test("Normalized as the fast tokenizer does", arguments: try ScalarDigest.all())
  func normalization(_ recorded: ScalarDigest) throws {
    let normalizer = BertNormalizer(recorded.options)
    var buffer = ByteBuffer()
    var digest = StreamingDigest()
    var largestGrowth = 0.0
    for scalar in Self.scalars {
      let text = "x\(scalar)y".utf8
      Array(text).withUnsafeBufferPointer { normalizer.normalize($0, into: &buffer) }
      digest.update(Array(buffer.bytes) + [0x0A])
      largestGrowth = max(largestGrowth, Double(buffer.count - 2) / Double(text.count - 2))
    }
    #expect(digest.finalize().hex == recorded.sha256)
    #expect(largestGrowth <= Double(BertNormalizer.maximumGrowth))
  }

  @Test("Split as the fast tokenizer does")
  func splitting() throws {
    let file = try JSONParser.parseFile(Fixtures.path("text/scalars.json"))
    var digest = StreamingDigest()
    for scalar in Self.scalars {
      digest.update(Self.words(of: "x\(scalar)y").joined(separator: "\u{1F}") + "\n")
    }
    #expect(digest.finalize().hex == file["pre_tokenizer"]?["sha256"]?.stringValue)
  }

  private static func words(of text: String) -> [String] {
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      var words: [String] = []
      var position = 0
      while let word = BertPreTokenizer().nextWord(in: bytes, from: &position) {
        words.append(String(decoding: bytes[word], as: UTF8.self))
      }
      return words
    }
  }
}
