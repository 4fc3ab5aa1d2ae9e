import CTKCore

/// SentencePiece's unigram model: the pieces of a word whose scores sum highest.
///
/// Of equal sums the one found first counts, as in the fast tokenizers, and scores are added in
/// double precision in their order.
struct Unigram: SubwordModel {
  /// How far an unknown character scores below the lowest piece.
  private static let unknownPenalty = 10.0
  /// Bytes of the words that are looked up whole; finding the best way to cut a piece takes
  /// the square of its length when a tokenizer is loaded.
  private static let wholeWordLimit = 32

  let vocabulary: Vocabulary
  /// Words that are best left as one piece; most words of a text are.
  private var wholeWords = WordTable([])
  private let scores: FrozenTable<Double>
  private let unknownID: Int32
  private let unknownScore: Double
  /// Tokens of the 256 bytes, -1 where one is missing; nil without fallback.
  private let fallback: [Int32]?

  /// The best way to reach a place of a word.
  private struct Arrival: BitwiseCopyable {
    var score = 0.0
    /// Where its last piece starts; -1 while there is none.
    var start: Int32 = -1
    var id: Int32 = 0
  }

  /// - Parameters:
  ///   - pieces: by id, with their scores.
  ///   - unknownID: the piece of unknown characters; a run of them is one token.
  ///   - fallsBackToBytes: whether they become the tokens of their bytes instead.
  /// - Throws: `text.vocabulary-duplicate`, `text.vocabulary-invalid`.
  init(
    pieces: [(text: String, score: Double)], unknownID: Int, fallsBackToBytes: Bool
  ) throws(TextError) {
    guard pieces.indices.contains(unknownID) else {
      throw TextError(
        .vocabularyInvalid,
        "the unknown token's id is \(unknownID), the vocabulary has \(pieces.count) tokens")
    }
    var builder = VocabularyBuilder()
    for (id, piece) in pieces.enumerated() { try builder.insert(piece.text.utf8, id: id) }
    vocabulary = builder.finish()
    scores = FrozenTable(pieces.map(\.score))
    self.unknownID = Int32(unknownID)
    unknownScore = pieces.reduce(.infinity) { min($0, $1.score) } - Self.unknownPenalty
    fallback = fallsBackToBytes ? ByteTokens.ids(in: vocabulary) : nil
    wholeWords = WordTable(
      pieces.enumerated().compactMap { (id, piece) in
        let word = Array(piece.text.utf8)
        let isWhole = word.count <= Self.wholeWordLimit && ids(of: word) == [Int32(id)]
        return isWhole ? (word, Int32(id)) : nil
      })
  }

  func append(_ word: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
    if let id = wholeWords.id(of: word) {
      ids.append(id)
    } else {
      appendBestCut(of: word, to: &ids)
    }
  }

  private func ids(of word: [UInt8]) -> [Int32] {
    var ids: [Int32] = []
    word.withUnsafeBufferPointer { appendBestCut(of: $0, to: &ids) }
    return ids
  }

  private func appendBestCut(of word: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
    withUnsafeTemporaryAllocation(of: Arrival.self, capacity: word.count + 1) { arrivals in
      arrivals.initialize(repeating: Arrival())
      var position = 0
      while position < word.count { position = extend(arrivals, in: word, from: position) }
      appendBestPath(arrivals, of: word, to: &ids)
    }
  }

  /// Tries every piece that starts at a place and gives the next place.
  @inline(__always)
  private func extend(
    _ arrivals: UnsafeMutableBufferPointer<Arrival>, in word: UnsafeBufferPointer<UInt8>,
    from start: Int
  ) -> Int {
    let trie = vocabulary.trie
    let score = arrivals[start].score
    let next = start + decodeScalar(word, at: start).width
    var coversScalar = false
    var node = ByteTrie.root
    var end = start
    while end < word.count, let child = trie.child(of: node, word[end]) {
      node = child
      end += 1
      let id = trie.id(at: node)
      if id < 0 { continue }
      if end == next { coversScalar = true }
      improve(&arrivals[end], score + scores.base[Int(id)], start, id)
    }
    if !coversScalar { improve(&arrivals[next], score + unknownScore, start, unknownID) }
    return next
  }

  @inline(__always)
  private func improve(_ arrival: inout Arrival, _ score: Double, _ start: Int, _ id: Int32) {
    if arrival.start < 0 || score > arrival.score {
      arrival = Arrival(score: score, start: Int32(truncatingIfNeeded: start), id: id)
    }
  }

  /// Follows the best path from its end, so that ids come in reverse at first.
  private func appendBestPath(
    _ arrivals: UnsafeMutableBufferPointer<Arrival>, of word: UnsafeBufferPointer<UInt8>,
    to ids: inout [Int32]
  ) {
    let first = ids.count
    var end = word.count
    var unknownEnd: Int?
    while end > 0 {
      let arrival = arrivals[end]
      if arrival.id == unknownID {
        unknownEnd = unknownEnd ?? end
      } else {
        if let unknownEnd { appendUnknown(word[end..<unknownEnd], to: &ids) }
        unknownEnd = nil
        ids.append(arrival.id)
      }
      end = Int(arrival.start)
    }
    if let unknownEnd { appendUnknown(word[..<unknownEnd], to: &ids) }
    if ids.count - first > 1 { ids[first...].reverse() }
  }

  /// Appends the ids of a run of unknown characters in reverse.
  private func appendUnknown(_ run: Slice<UnsafeBufferPointer<UInt8>>, to ids: inout [Int32]) {
    if let id = vocabulary.trie.id(of: run) {
      ids.append(id)
    } else if let fallback, run.allSatisfy({ fallback[Int($0)] >= 0 }) {
      for byte in run.reversed() { ids.append(fallback[Int(byte)]) }
    } else {
      ids.append(unknownID)
    }
  }
}
