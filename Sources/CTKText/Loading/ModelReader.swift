import CTKCore

/// Reads the model of a `tokenizer.json` file.
enum ModelReader {
  static func wordPiece(_ model: JSONSection) throws(TextError) -> WordPiece {
    let tokens = try model.section("vocab")
    var builder = VocabularyBuilder()
    var words: [(bytes: [UInt8], id: Int32)] = []
    for (token, value) in tokens.object.members {
      let id = try tokens.tokenID(value, of: token)
      try builder.insert(token.utf8, id: id)
      words.append((Array(token.utf8), Int32(id)))
    }
    let wordLimit = try model.int(
      "max_input_chars_per_word", default: WordPiece.defaultWordLimit)
    return try WordPiece(
      vocabulary: builder.finish(), tokens: words,
      unknownToken: try model.string("unk_token"),
      prefix: try model.string(
        "continuing_subword_prefix", default: WordPiece.defaultPrefix),
      wordLimit: wordLimit)
  }

  static func bytePairs(
    _ model: JSONSection, isByteLevel: Bool
  ) throws(TextError) -> BytePairEncoding {
    if let dropout = model.object["dropout"], dropout != .null, dropout.doubleValue != 0 {
      throw TextError(
        .tokenizerUnsupported, "'model.dropout' is not zero",
        hint: "set it to null: ids must not depend on chance")
    }
    var builder = try BytePairBuilder(vocabulary: model.section("vocab"))
    builder.isByteLevel = isByteLevel
    builder.joinsWholeTokens = try model.bool("ignore_merges", default: false)
    builder.options = SymbolAlphabet.Options(
      unknownID: try unknownID(model, builder.vocabulary),
      fusesUnknown: try model.bool("fuse_unk", default: false),
      fallsBackToBytes: try model.bool("byte_fallback", default: false),
      continuationPrefix: try model.string("continuing_subword_prefix", default: ""),
      wordSuffix: try model.string("end_of_word_suffix", default: ""))
    return try builder.model(merges: MergeList.read(model))
  }

  static func unigram(_ model: JSONSection) throws(TextError) -> Unigram {
    var pieces: [(text: String, score: Double)] = []
    for (id, value) in try model.array("vocab").enumerated() {
      guard let entry = value.arrayValue, entry.count == 2, let text = entry[0].stringValue,
        let score = entry[1].doubleValue
      else {
        throw TextError(
          .tokenizerMalformed, "'\(model.path("vocab"))[\(id)]' is not a piece and its score")
      }
      pieces.append((text, score))
    }
    if model.object["unk_id"] == nil || model.object["unk_id"] == .null {
      throw TextError(.specialTokenMissing, "'\(model.name)' names no unknown token")
    }
    return try Unigram(
      pieces: pieces, unknownID: try model.int("unk_id"),
      fallsBackToBytes: try model.bool("byte_fallback", default: false))
  }

  private static func unknownID(
    _ model: JSONSection, _ vocabulary: Vocabulary
  ) throws(TextError) -> Int32? {
    let name = try model.string("unk_token", default: "")
    if name.isEmpty { return nil }
    if let id = vocabulary.id(of: name) { return id }
    throw TextError(
      .specialTokenMissing, "the vocabulary lacks the unknown token '\(name)'")
  }
}
