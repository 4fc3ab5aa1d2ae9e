import CTKCore
import CTKTestSupport
import CTKText
import Testing

/// Words that are one token are looked up whole; the ids must be those of the walk through them.
@Suite("Whole words", .tags(.format))
struct WholeWordTests {
  private static func load(_ document: String) throws -> any Tokenizer {
    let folder = TemporaryFolder()
    try folder.write("tokenizer.json", Array(document.utf8))
    return try TokenizerFolder.load(folder.path)
  }

  private static func unigram(_ pieces: String) throws -> any Tokenizer {
    try load(
      UnigramFileTests.sound.replacing(#"["\u1112\u1161", -5.0]"#, with: pieces))
  }

  @Test("A token longer than a word may be is unknown as a word")
  func wordLimit() throws {
    let tokenizer = try Self.load(
      BrokenDocument.sound
        .replacing(#""max_input_chars_per_word": 100"#, with: #""max_input_chars_per_word": 3"#)
        .replacing(#""lowercase": true"#, with: #""lowercase": false"#)
        .replacing(#""a": 3"#, with: #""abc": 3, "abcd": 4, "\u00e9\u00e9\u00e9": 5"#))
    #expect(
      tokenizer.encode("abc abcd \u{E9}\u{E9}\u{E9}").inputIDs == [2, 3, 1, 5])
  }

  @Test("Words of every length are told from words that differ in one byte")
  func everyLength() throws {
    let words = (1...40).map { String("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH".prefix($0)) }
    let entries = words.enumerated().map { #""\#($1)": \#($0 + 3)"# }
    let tokenizer = try Self.load(
      BrokenDocument.sound.replacing(#""lowercase": true"#, with: #""lowercase": false"#)
        .replacing(#""a": 3"#, with: entries.joined(separator: ", ")))
    for (position, word) in words.enumerated() {
      #expect(tokenizer.encode(word).inputIDs == [2, Int32(position + 3)])
      for changed in 0...position {
        var letters = Array(word)
        letters[changed] = "Z"
        #expect(tokenizer.encode(String(letters)).inputIDs == [2, 1])
      }
    }
  }

  @Test(
    "A piece counts whole only where no cut scores higher",
    arguments: [
      (#"["\u2581ba", -20.0]"#, "ba", [2, 5, 3]), (#"["\u2581ba", -8.0]"#, "ba", [8]),
      (#"["\u2581a", -5.0]"#, "a", [8]), (#"["\u2581a", -5.01]"#, "a", [2, 3]),
    ] as [(String, String, [Int32])])
  func bestCut(_ piece: String, _ text: String, _ ids: [Int32]) throws {
    #expect(try Self.unigram(piece).encode(text).inputIDs == ids)
  }

  @Test("A piece of any length is found")
  func longPieces() throws {
    for count in [28, 29, 30, 200] {
      let letters = String(repeating: "b", count: count)
      let tokenizer = try Self.unigram(#"["\u2581\#(letters)", -1.0]"#)
      #expect(tokenizer.encode(letters).inputIDs == [8])
      #expect(tokenizer.encode(letters + "a").inputIDs == [8, 3])
    }
  }

  @Test("A piece of a hundred thousand letters loads", .timeLimit(.minutes(1)))
  func hugePiece() throws {
    let letters = String(repeating: "b", count: 100_000)
    let tokenizer = try Self.unigram(#"["\#(letters)", -1.0]"#)
    #expect(tokenizer.encode("b").inputIDs == [2, 5])
  }
}
