/// The tokenizer that a `tokenizer.json` file describes: a normalizer, a pre-tokenizer, a model
/// and the special tokens around them.
///
/// Gives the ids of the Hugging Face fast tokenizer for the same files.
struct PipelineTokenizer: Tokenizer {
  let vocabularySize: Int
  let maxTokenID: Int
  let padTokenID: Int

  private let normalizer: TextNormalizer
  private let preTokenizer: PreTokenizer
  private let model: any SubwordModel
  private let addedTokens: AddedVocabulary
  private let templates: SequenceTemplates

  init(
    _ stages: PipelineStages, model: any SubwordModel, addedTokens: [AddedToken], padTokenID: Int32
  ) {
    normalizer = stages.normalizer
    preTokenizer = stages.preTokenizer
    templates = stages.templates
    self.model = model
    self.addedTokens = AddedVocabulary(addedTokens, normalizer: stages.normalizer)
    self.padTokenID = Int(padTokenID)
    let outside = Set(addedTokens.filter { model.vocabulary.id(of: $0.content) == nil }.map(\.id))
    vocabularySize = model.vocabulary.tokenCount + outside.count
    maxTokenID = addedTokens.reduce(model.vocabulary.maxID) { max($0, Int($1.id)) }
  }

  func specialTokenCount(isPair: Bool) -> Int {
    isPair ? templates.pair.specialCount : templates.single.specialCount
  }

  func encode(_ text: String, pair second: String?, maxLength: Int?) -> Encoding {
    var scratch = NormalizerScratch()
    let firstIDs = ids(of: text, scratch: &scratch)
    guard let second, !second.isEmpty else {
      let template = templates.single
      return template.assemble(firstIDs.prefix(budget(template, maxLength)))
    }
    let secondIDs = ids(of: second, scratch: &scratch)
    let kept = Truncation.keptCounts(
      firstIDs.count, secondIDs.count, budget: budget(templates.pair, maxLength))
    return templates.pair.assemble(firstIDs.prefix(kept.first), secondIDs.prefix(kept.second))
  }

  func encode(words: [String], maxLength: Int?) -> WordEncoding {
    let template = templates.single
    let budget = budget(template, maxLength)
    var scratch = NormalizerScratch()
    var pieces: [Int32] = []
    var firstPieces: [Int?] = []
    for word in words {
      let ids = ids(of: " " + word, scratch: &scratch)
      let isKept = !ids.isEmpty && pieces.count < budget
      firstPieces.append(isKept ? template.leadingCount + pieces.count : nil)
      pieces += ids
    }
    return WordEncoding(
      encoding: template.assemble(pieces.prefix(budget)), firstPieces: firstPieces)
  }

  /// Ids that the texts may have beside the special tokens.
  private func budget(_ template: SequenceTemplate, _ maxLength: Int?) -> Int {
    max(0, (maxLength ?? .max) - template.specialCount)
  }

  private func ids(of text: String, scratch: inout NormalizerScratch) -> [Int32] {
    var text = text
    return text.withUTF8 { bytes in
      var ids: [Int32] = []
      ids.reserveCapacity(bytes.count / 3 + 4)
      addedTokens.raw.forEachSegment(of: bytes) { segment in
        switch segment {
        case .token(let id): ids.append(id)
        case .text(let range):
          let normalized = normalizer.normalize(
            UnsafeBufferPointer(rebasing: bytes[range]), scratch: &scratch)
          appendIDs(ofNormalized: normalized, isStart: range.lowerBound == 0, to: &ids)
        }
      }
      return ids
    }
  }

  private func appendIDs(
    ofNormalized text: UnsafeBufferPointer<UInt8>, isStart: Bool, to ids: inout [Int32]
  ) {
    if addedTokens.normalized.isEmpty {
      return appendWords(of: text, isStart: isStart, to: &ids)
    }
    addedTokens.normalized.forEachSegment(of: text) { segment in
      switch segment {
      case .token(let id): ids.append(id)
      case .text(let range):
        appendWords(
          of: UnsafeBufferPointer(rebasing: text[range]),
          isStart: isStart && range.lowerBound == 0, to: &ids)
      }
    }
  }

  private func appendWords(
    of text: UnsafeBufferPointer<UInt8>, isStart: Bool, to ids: inout [Int32]
  ) {
    preTokenizer.forEachWord(of: text, isStart: isStart) { word in
      model.append(word, to: &ids)
    }
  }
}
