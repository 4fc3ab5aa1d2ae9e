import CTKCore
import CTKTestSupport
import CTKText
import Testing

@Suite("SentencePiece files", .tags(.format, .hostile))
struct SentencePieceFileTests {
  private let folder = TemporaryFolder()

  /// A piece as the file has it; the type is left out where it is nil.
  private static func piece(_ text: String, _ score: Float, type: Int? = nil) -> [UInt8] {
    let name = RawTable.message([(1, .bytes(Array(text.utf8)))])
    let bits = score.bitPattern
    let number = [UInt8(0x15)] + (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    let kind = type.map { RawTable.message([(3, .number($0))]) } ?? []
    return RawTable.message([(1, .bytes(name + number + kind))])
  }

  private static let specials = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"]
    .enumerated().flatMap { piece($1, 0, type: $0 == 0 ? 2 : 3) }

  private static let sound =
    specials
    + ["\u{2581}", "a", "b", "\u{2581}ab", "9,"].enumerated().flatMap {
      piece($1, -Float($0) - 1)
    }

  private func load(
    _ bytes: [UInt8], as name: String = "spiece.model", settings: String? = nil
  ) throws -> any Tokenizer {
    let scratch = TemporaryFolder()
    try scratch.write(name, bytes)
    if let settings { try scratch.write("tokenizer_config.json", Array(settings.utf8)) }
    return try TokenizerFolder.load(scratch.path)
  }

  private func failure(
    _ bytes: [UInt8], as name: String = "spiece.model", settings: String? = nil
  ) -> String? {
    do {
      _ = try load(bytes, as: name, settings: settings)
      return nil
    } catch {
      return (error as? TextError)?.code ?? "\(error)"
    }
  }

  @Test func aModelAloneIsXLNets() throws {
    let tokenizer = try load(Self.sound)
    #expect(tokenizer.encode("ab b").inputIDs == [10, 7, 9, 4, 3])
    #expect(tokenizer.encode("a", pair: "b").tokenTypeIDs == [0, 0, 0, 1, 1, 1, 2])
    #expect(tokenizer.padTokenID == 5 && tokenizer.vocabularySize == 12)
  }

  @Test("The class decides about ids, accents and case")
  func classes() throws {
    let accents = Self.sound + Self.piece("\u{E1}", -1)
    #expect(try load(accents).encode("\u{E1}").inputIDs == [7, 8, 4, 3])
    let kept = #"{"tokenizer_class": "XLNetTokenizer", "keep_accents": true}"#
    #expect(try load(accents, settings: kept).encode("\u{E1}").inputIDs == [7, 12, 4, 3])
    let lower = #"{"tokenizer_class": "XLNetTokenizer", "do_lower_case": true}"#
    #expect(try load(accents, settings: lower).encode("A").inputIDs == [7, 8, 4, 3])
    let other = #"{"tokenizer_class": "T5Tokenizer"}"#
    #expect(failure(Self.sound, settings: other) == "text.tokenizer-unsupported")
    #expect(failure(Self.sound, as: "sentencepiece.bpe.model") == "text.tokenizer-unsupported")
  }

  @Test("The model's configuration names the class where no other file does")
  func classOfTheModel() throws {
    let model = try readSmallFile(
      Fixtures.path("text/spm-xlm-roberta/sentencepiece.bpe.model"))
    try folder.write("sentencepiece.bpe.model", model)
    try folder.write("config.json", Array(#"{"model_type": "xlm-roberta"}"#.utf8))
    let named = try TokenizerFolder.load(Fixtures.path("text/spm-xlm-roberta"))
    let found = try TokenizerFolder.load(folder.path)
    #expect(found.encode("the license") == named.encode("the license"))
  }

  @Test("What the model says about spaces is followed")
  func spaces() throws {
    let xlmRoberta = #"{"tokenizer_class": "XLMRobertaTokenizer"}"#
    let pieces =
      ["<unk>", "<s>", "</s>"].enumerated().flatMap {
        Self.piece($1, 0, type: $0 == 0 ? 2 : 3)
      } + Self.piece("\u{2581}", -1) + Self.piece("a", -2)
    func ids(_ normalization: [(Int, RawTable.Field)], _ text: String) throws -> [Int32] {
      let spec = RawTable.message(
        [(3, .bytes(RawTable.message(normalization.map { (number: $0.0, value: $0.1) })))])
      return try load(
        pieces + spec, as: "sentencepiece.bpe.model", settings: xlmRoberta
      ).encode(text).inputIDs
    }
    #expect(try ids([], "a  a ") == [0, 4, 5, 4, 5, 2])
    #expect(try ids([(3, .number(0))], "a  a ") == [0, 5, 4, 5, 2])
    #expect(try ids([(4, .number(0))], "a  a ") == [0, 4, 5, 4, 4, 5, 4, 2])
  }

  @Test(
    "Broken models are refused",
    arguments: [
      ([], "text.tokenizer-malformed"), ([0x0A], "text.tokenizer-malformed"),
      ([0x0B], "text.tokenizer-malformed"), ([0x08, 1], "text.tokenizer-malformed"),
      (sound + piece("a", -1), "text.vocabulary-duplicate"),
      (sound + piece("", -1), "text.tokenizer-malformed"),
      (sound + piece("x", .nan), "text.tokenizer-malformed"),
      (sound + piece("x", .infinity), "text.tokenizer-malformed"),
      (sound + piece("x", 0, type: 9), "text.tokenizer-malformed"),
      (sound + section(2, [(3, .number(3))]), "text.tokenizer-unsupported"),
      (sound + section(2, [(3, .number(7))]), "text.tokenizer-malformed"),
      (sound + section(2, [(24, .number(1))]), "text.tokenizer-unsupported"),
      (sound + section(2, [(40, .number(99))]), "text.tokenizer-malformed"),
      (sound + section(2, [(40, .number(-1))]), "text.tokenizer-malformed"),
      (sound + section(3, [(5, .number(0))]), "text.tokenizer-unsupported"),
      (sound + section(3, [(2, .bytes([1, 2, 3]))]), "text.tokenizer-malformed"),
      (specials.dropFirst(12) + [], "text.tokenizer-malformed"),
      (piece("<unk>", 0, type: 2), "text.special-token-missing"),
    ] as [([UInt8], String)])
  func broken(_ bytes: [UInt8], _ code: String) {
    #expect(failure(bytes) == code)
  }

  private static func section(
    _ number: Int, _ fields: [(number: Int, value: RawTable.Field)]
  ) -> [UInt8] {
    RawTable.message([(number, .bytes(RawTable.message(fields)))])
  }

  @Test("Every truncation loads with fewer pieces or is refused")
  func truncations() {
    for count in Self.sound.indices {
      let code = failure(Array(Self.sound[..<count]))
      #expect(code == nil || code?.hasPrefix("text.") == true, "\(count)")
    }
  }
}
