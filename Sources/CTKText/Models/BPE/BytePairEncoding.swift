import CTKCore

/// Byte-pair encoding: a word starts as its characters or bytes, and neighbours are joined by the
/// earliest merge until none applies.
struct BytePairEncoding: SubwordModel {
  let vocabulary: Vocabulary
  private let alphabet: SymbolAlphabet
  private let merges: MergeTable
  /// Words that are one token; most words of a text are.
  private var wholeWords = WordTable([])

  /// - Parameters:
  ///   - tokens: the vocabulary's tokens with their ids.
  ///   - joinsWholeTokens: whether a word that is a token is left as it is even where no merges
  ///     lead to it (`ignore_merges`).
  init(
    vocabulary: Vocabulary, tokens: [(text: String, id: Int32)], alphabet: SymbolAlphabet,
    merges: MergeTable, joinsWholeTokens: Bool
  ) {
    self.vocabulary = vocabulary
    self.alphabet = alphabet
    self.merges = merges
    let words = tokens.compactMap { token in
      alphabet.word(of: token.text).map { (bytes: $0, id: token.id) }
    }
    wholeWords = WordTable(
      joinsWholeTokens ? words : words.filter { ids(of: $0.bytes) == [$0.id] })
  }

  func append(_ word: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
    if let id = wholeWords.id(of: word) {
      ids.append(id)
    } else if word.count <= MergeWalk.shortLimit {
      appendShort(word, to: &ids)
    } else {
      var symbols: [Int32] = []
      alphabet.forEachSymbol(of: word) { symbols.append($0) }
      ids += MergeWalk.mergeLong(symbols, merges)
    }
  }

  private func appendShort(_ word: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
    // A word has no more symbols than bytes.
    withUnsafeTemporaryAllocation(of: MergeWalk.Symbol.self, capacity: word.count) { symbols in
      var count = 0
      alphabet.forEachSymbol(of: word) { id in
        symbols[count] = MergeWalk.Symbol(id: id, next: .none)
        count += 1
      }
      let kept = MergeWalk.mergeShort(
        UnsafeMutableBufferPointer(rebasing: symbols[..<count]), merges)
      for position in 0..<kept { ids.append(symbols[position].id) }
    }
  }

  private func ids(of word: [UInt8]) -> [Int32] {
    var ids: [Int32] = []
    word.withUnsafeBufferPointer { append($0, to: &ids) }
    return ids
  }
}
