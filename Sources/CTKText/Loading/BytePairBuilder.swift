import CTKCore

/// Puts a byte-pair model together from its vocabulary and merges.
struct BytePairBuilder {
  let vocabulary: Vocabulary
  let tokens: [(text: String, id: Int32)]
  var options = SymbolAlphabet.Options()
  var isByteLevel = false
  var joinsWholeTokens = false

  init(vocabulary: JSONSection) throws(TextError) {
    var tokens: [(text: String, id: Int)] = []
    for (token, id) in vocabulary.object.members {
      tokens.append((token, try vocabulary.tokenID(id, of: token)))
    }
    try self.init(tokens: tokens)
  }

  /// - Throws: `text.vocabulary-duplicate`, `text.vocabulary-invalid`.
  init(tokens: [(text: String, id: Int)]) throws(TextError) {
    var builder = VocabularyBuilder()
    for token in tokens { try builder.insert(token.text.utf8, id: token.id) }
    self.tokens = tokens.map { ($0.text, Int32($0.id)) }
    vocabulary = builder.finish()
  }

  /// - Parameter merges: pairs of tokens in order of rank; of equal pairs the last one counts.
  /// - Throws: `text.merge-invalid`, `text.tokenizer-unsupported`.
  func model(merges: [(String, String)]) throws(TextError) -> BytePairEncoding {
    var pairs: [(left: Int32, right: Int32, merge: Merge)] = []
    pairs.reserveCapacity(merges.count)
    for (rank, (left, right)) in merges.enumerated() {
      let joined = Array(left.utf8) + right.utf8.dropFirst(options.continuationPrefix.utf8.count)
      guard let leftID = vocabulary.id(of: left), let rightID = vocabulary.id(of: right),
        let symbol = vocabulary.trie.id(of: joined)
      else {
        throw TextError(
          .mergeInvalid,
          "merge \(rank + 1), '\(left)' and '\(right)', needs a token that the vocabulary lacks",
          hint: "use the vocabulary and the merges of one model")
      }
      pairs.append((leftID, rightID, Merge(rank: UInt32(rank), symbol: symbol)))
    }
    return BytePairEncoding(
      vocabulary: vocabulary, tokens: tokens, alphabet: try alphabet(),
      merges: MergeTable(pairs), joinsWholeTokens: joinsWholeTokens)
  }

  private func alphabet() throws(TextError) -> SymbolAlphabet {
    if !isByteLevel { return .characters(of: vocabulary, options) }
    let isPlain = options.continuationPrefix.isEmpty && options.wordSuffix.isEmpty
    if !isPlain || options.fallsBackToBytes {
      throw TextError(
        .tokenizerUnsupported,
        "'model' combines the 'ByteLevel' pre-tokenizer with a prefix, a suffix or byte fallback")
    }
    return .bytes(of: vocabulary, options)
  }
}

extension JSONSection {
  /// The whole number that a vocabulary gives for a token.
  func tokenID(_ value: JSONValue, of token: String) throws(TextError) -> Int {
    guard let id = value.intValue else {
      throw TextError(
        .tokenizerMalformed, "'\(name)': the id of '\(token)' is not a whole number")
    }
    return id
  }
}
