import CTKCore

/// The merges that a byte-pair model of SentencePiece implies: its file has scores of pieces only.
struct SentencePieceMerges {
  private let model: SentencePieceModel
  private let family: SentencePieceFamily

  init(_ model: SentencePieceModel, _ family: SentencePieceFamily) {
    self.model = model
    self.family = family
  }

  /// - Throws: the codes of `BytePairBuilder`, `text.special-token-missing`.
  func bytePairs() throws(TextError) -> BytePairEncoding {
    let tokens = family.tokens(of: model)
    var builder = try BytePairBuilder(
      tokens: tokens.enumerated().map { (text: $1.text, id: $0) })
    guard let unknown = builder.vocabulary.id(of: model.unknownPiece) else {
      throw TextError(
        .specialTokenMissing, "the vocabulary lacks the unknown token '\(model.unknownPiece)'")
    }
    builder.options = SymbolAlphabet.Options(unknownID: unknown, fusesUnknown: true)
    return try builder.model(merges: try merges(of: tokens))
  }

  /// A way to make a token of two pieces.
  private struct Merge {
    let left: Substring
    let right: Substring
    let score: Double
    /// Scalars of either side.
    let lengths: (left: Int, right: Int)
  }

  /// Every way to make each token of two pieces; the higher scores first, then the longer sides.
  private func merges(
    of tokens: [(text: String, score: Double)]
  ) throws(TextError) -> [(String, String)] {
    var pieces = VocabularyBuilder()
    for (id, piece) in model.pieces.enumerated() { try pieces.insert(piece.text.utf8, id: id) }
    let numbers = pieces.finish()
    var merges: [Merge] = []
    for token in tokens { merges += splits(of: token, numbers) }
    // The standard library's sort is stable, on which the order of equal merges depends.
    merges.sort { left, right in
      (left.score, left.lengths.left, left.lengths.right)
        > (right.score, right.lengths.left, right.lengths.right)
    }
    return merges.map { (String($0.left), String($0.right)) }
  }

  /// The ways to cut a token, in the order of their pieces' numbers.
  private func splits(
    of token: (text: String, score: Double), _ numbers: Vocabulary
  ) -> [Merge] {
    let scalars = token.text.unicodeScalars
    var found: [(merge: Merge, order: (Int32, Int32))] = []
    for (count, cut) in scalars.indices.enumerated().dropFirst() {
      let (left, right) = (token.text[..<cut], token.text[cut...])
      guard let first = numbers.trie.id(of: left.utf8), let second = numbers.trie.id(of: right.utf8)
      else { continue }
      let merge = Merge(
        left: left, right: right, score: token.score, lengths: (count, scalars.count - count))
      found.append((merge, (first, second)))
    }
    return found.sorted { $0.order < $1.order }.map(\.merge)
  }
}
