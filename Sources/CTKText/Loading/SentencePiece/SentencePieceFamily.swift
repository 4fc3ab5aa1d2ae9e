import CTKCore

/// What the families with SentencePiece models do around the model: which ids its pieces have,
/// how text is prepared, and which special tokens go around it.
///
/// Everything is as in the fast tokenizers, which differ from SentencePiece's own program.
enum SentencePieceFamily {
  case xlnet
  case xlmRoberta
  case camembert

  init?(_ family: TokenizerFamily) {
    switch family {
    case .xlnet: self = .xlnet
    case .xlmRoberta: self = .xlmRoberta
    case .camembert: self = .camembert
    case .bert, .roberta: return nil
    }
  }

  var defaults: SpecialTokens.Defaults {
    switch self {
    case .xlnet: .separated
    case .xlmRoberta: .angledPieces
    case .camembert: .angled
    }
  }

  // MARK: Vocabulary

  /// The tokens by id, with their scores.
  func tokens(of model: SentencePieceModel) -> [(text: String, score: Double)] {
    let pieces = model.pieces.map { (text: $0.text, score: $0.score) }
    switch self {
    case .xlnet:
      return pieces.map { ($0.text, $0.score - (Self.isNumberWithComma($0.text) ? 100 : 0)) }
    case .xlmRoberta:
      return Self.first(["<s>", "<pad>", "</s>", "<unk>"]) + pieces.dropFirst(3)
        + Self.first(["<mask>"])
    case .camembert:
      return Self.first(["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>"])
        + [("<unk>NOTUSED", -100)] + pieces.dropFirst() + Self.first(["<mask>"])
    }
  }

  func unknownID(of model: SentencePieceModel) -> Int { self == .xlnet ? model.unknownID : 3 }

  /// Tokens that a text may name and that are none of the special tokens' roles.
  var additionalTokens: [String] {
    self == .camembert ? ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"] : []
  }

  private static func first(_ tokens: [String]) -> [(text: String, score: Double)] {
    tokens.map { ($0, 0) }
  }

  /// "9," and its like, which XLNet's tokenizer takes apart where it can.
  private static func isNumberWithComma(_ piece: String) -> Bool {
    let end = piece.unicodeScalars.suffix(2)
    guard end.count == 2, end.last == ",", let digit = end.first else { return false }
    return digit.properties.numericType == .decimal || digit.properties.numericType == .digit
  }

  // MARK: Stages

  func normalizer(
    of model: SentencePieceModel, _ settings: TokenizerSettings
  ) throws(TextError) -> TextNormalizer {
    var steps: [TextNormalizer.Step] = []
    if self == .xlnet {
      steps = ["``", "''"].map { .replace(LiteralReplacement(pattern: $0, content: "\"")) }
      if !settings.keepsAccents {
        steps += [.unicode(UnicodeNormalizer(.compatibleDecomposition)), .filter(.marks)]
      }
      if settings.statedLowercase == true { steps.append(.bert(BertNormalizer(.lowercasing))) }
    }
    if !model.characterMap.isEmpty {
      steps.append(.precompiled(try PrecompiledNormalizer(model.characterMap)))
    }
    if self == .xlnet {
      steps.append(.replace(LiteralReplacement(pattern: " ", content: " ", minimumRun: 2)))
    } else if model.collapsesSpaces {
      steps += [
        .strip(EdgeStripping(left: false, right: true)),
        .replace(LiteralReplacement(pattern: " ", content: "\u{2581}", minimumRun: 2)),
      ]
    }
    return TextNormalizer(steps: steps)
  }

  func templates(_ special: SpecialTokens) throws(TextError) -> SequenceTemplates {
    let sep = try special.requiredID(.sep)
    let cls = try special.requiredID(.cls)
    return self == .xlnet ? .xlnet(sep: sep, cls: cls) : .roberta(cls: cls, sep: sep)
  }
}
