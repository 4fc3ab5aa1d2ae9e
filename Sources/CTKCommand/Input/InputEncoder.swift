import CTKCore
import CTKModel
import CTKText
import CTKTuning

/// Turns inputs into a model's token ids.
struct InputEncoder {
  let model: TaskModel
  let maxLength: Int

  /// Most tokens of an input.
  var bound: Int { min(maxLength, model.network.configuration.lengthLimit ?? maxLength) }

  private var labelsWords: Bool { model.labels.headKind == .tokens }

  /// - Throws: `input.invalid` for a pair where words are labelled.
  func dataset(_ inputs: [TextInput]) throws -> TokenizedDataset {
    if labelsWords {
      return TokenizedDataset(try inputs.map { try sentence($0) }, tags: nil)
    }
    return TokenizedDataset(inputs.map { encoding($0) }, targets: nil)
  }

  private func encoding(_ input: TextInput) -> Encoding {
    switch input {
    case .text(let text, let pair):
      model.tokenizer.encode(text, pair: pair, maxLength: bound)
    case .tokens(let ids, let types): Encoding(inputIDs: ids, tokenTypeIDs: types)
    }
  }

  private func sentence(_ input: TextInput) throws -> WordEncoding {
    switch input {
    case .text(_, .some):
      throw CommandError(
        .inputInvalid, "the model labels the words of one text, found a pair",
        hint: "give one text a line")
    case .text(let text, nil):
      return model.tokenizer.encode(words: Self.words(of: text), maxLength: bound)
    case .tokens(let ids, let types):
      return WordEncoding(
        encoding: Encoding(inputIDs: ids, tokenTypeIDs: types),
        firstPieces: ids.indices.map { $0 })
    }
  }

  /// A text's words for a model that labels them: what white space separates.
  static func words(of text: String) -> [String] {
    text.split(whereSeparator: \.isWhitespace).map(String.init)
  }

  /// Texts that lost their ends; only those at the bound can have.
  func cutCount(_ inputs: [TextInput], _ dataset: TokenizedDataset) -> Int {
    inputs.indices.count { index in
      guard dataset.length(index) == bound, case .text(let text, let pair) = inputs[index] else {
        return false
      }
      let whole =
        labelsWords
        ? model.tokenizer.encode(words: Self.words(of: text), maxLength: nil).encoding
        : model.tokenizer.encode(text, pair: pair, maxLength: nil)
      return whole.inputIDs.count > bound
    }
  }
}
