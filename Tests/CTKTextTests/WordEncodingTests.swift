import CTKCore
import CTKTestSupport
import CTKText
import Testing

/// Words as ids against the fast tokenizers with `is_split_into_words`; RoBERTa's with
/// `add_prefix_space`, as it needs there.
@Suite(.tags(.format))
struct WordEncodingTests {
  @Test func wordsAsTheFastTokenizersEncodeThem() throws {
    let document = try JSONParser.parseFile(Fixtures.path("tokens/expected.json"))
    let cases = try #require(document["words"]?.arrayValue)
    #expect(cases.count == 16)
    for entry in cases {
      let model = try #require(entry["model"]?.stringValue)
      let tokenizer = try TokenizerFolder.load(Fixtures.path("checkpoints/\(model)/pt"))
      let words = try #require(entry["words"]?.arrayValue).compactMap(\.stringValue)
      let found = tokenizer.encode(words: words, maxLength: entry["limit"]?.intValue)
      let ids = try #require(entry["ids"]?.arrayValue).compactMap(\.intValue)
      #expect(found.encoding.inputIDs.map(Int.init) == ids, "\(entry.compactText)")
      let first = try #require(entry["first"]?.arrayValue).map(\.intValue)
      #expect(found.firstPieces == first, "\(entry.compactText)")
      #expect(found.encoding.tokenTypeIDs.count == ids.count)
    }
  }

  @Test func aWordWithoutIdsHasNoFirstOne() throws {
    let tokenizer = try TokenizerFolder.load(Fixtures.path("checkpoints/bert/pt"))
    let found = tokenizer.encode(words: ["the", "\u{200D}\u{1}", "work"], maxLength: nil)
    #expect(found.firstPieces[1] == nil)
    #expect(found.firstPieces[0] == 1 && found.firstPieces[2] != nil)
  }
}
