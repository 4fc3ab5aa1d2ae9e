/// The tokenizer of BERT and ELECTRA: `BertNormalizer`, `BertPreTokenizer`, `WordPiece`.
///
/// Gives the ids of the Hugging Face fast tokenizer for the same files.
struct WordPieceTokenizer: Tokenizer {
  let vocabularySize: Int
  let maxTokenID: Int
  let padTokenID: Int

  /// Nil leaves text as it is.
  private let normalizer: BertNormalizer?
  private let preTokenizer = BertPreTokenizer()
  private let model: WordPiece
  private let addedTokens: AddedVocabulary
  private let single: SequenceTemplate
  private let pair: SequenceTemplate

  init(
    normalizer: BertNormalizer?, model: WordPiece, addedTokens: [AddedToken], padTokenID: Int,
    single: SequenceTemplate, pair: SequenceTemplate
  ) {
    self.normalizer = normalizer
    self.model = model
    self.addedTokens = AddedVocabulary(addedTokens, normalizer: normalizer)
    self.padTokenID = padTokenID
    self.single = single
    self.pair = pair
    let outside = Set(addedTokens.filter { model.vocabulary.id(of: $0.content) == nil }.map(\.id))
    vocabularySize = model.vocabulary.tokenCount + outside.count
    maxTokenID = addedTokens.reduce(model.vocabulary.maxID) { max($0, Int($1.id)) }
  }

  func specialTokenCount(isPair: Bool) -> Int { isPair ? pair.specialCount : single.specialCount }

  func encode(_ text: String, pair second: String?, maxLength: Int?) -> Encoding {
    var scratch = ByteBuffer()
    let firstIDs = ids(of: text, scratch: &scratch)
    guard let second, !second.isEmpty else {
      return single.assemble(firstIDs.prefix(budget(single, maxLength)))
    }
    let secondIDs = ids(of: second, scratch: &scratch)
    let kept = Truncation.keptCounts(
      firstIDs.count, secondIDs.count, budget: budget(pair, maxLength))
    return pair.assemble(firstIDs.prefix(kept.first), secondIDs.prefix(kept.second))
  }

  /// Ids that the texts may have beside the special tokens.
  private func budget(_ template: SequenceTemplate, _ maxLength: Int?) -> Int {
    max(0, (maxLength ?? .max) - template.specialCount)
  }

  private func ids(of text: String, scratch: inout ByteBuffer) -> [Int32] {
    var text = text
    return text.withUTF8 { bytes in
      var ids: [Int32] = []
      ids.reserveCapacity(bytes.count / 3 + 4)
      addedTokens.raw.forEachSegment(of: bytes) { segment in
        switch segment {
        case .token(let id): ids.append(id)
        case .text(let range):
          appendIDs(of: UnsafeBufferPointer(rebasing: bytes[range]), to: &ids, scratch: &scratch)
        }
      }
      return ids
    }
  }

  private func appendIDs(
    of raw: UnsafeBufferPointer<UInt8>, to ids: inout [Int32], scratch: inout ByteBuffer
  ) {
    guard let normalizer else { return appendIDs(ofNormalized: raw, to: &ids) }
    normalizer.normalize(raw, into: &scratch)
    appendIDs(ofNormalized: scratch.bytes, to: &ids)
  }

  private func appendIDs(
    ofNormalized text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]
  ) {
    if addedTokens.normalized.isEmpty { return appendWords(of: text, to: &ids) }
    addedTokens.normalized.forEachSegment(of: text) { segment in
      switch segment {
      case .token(let id): ids.append(id)
      case .text(let range):
        appendWords(of: UnsafeBufferPointer(rebasing: text[range]), to: &ids)
      }
    }
  }

  private func appendWords(of text: UnsafeBufferPointer<UInt8>, to ids: inout [Int32]) {
    var position = 0
    while let word = preTokenizer.nextWord(in: text, from: &position) {
      model.append(UnsafeBufferPointer(rebasing: text[word]), to: &ids)
    }
  }
}
