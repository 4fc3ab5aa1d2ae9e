import CTKCore

/// Reads the pre-tokenizer of a `tokenizer.json` file.
enum PreTokenizerReader {
  /// - Throws: `text.tokenizer-unsupported`, `text.tokenizer-malformed`.
  static func preTokenizer(_ root: JSONSection) throws(TextError) -> PreTokenizer {
    guard let section = try root.optionalSection("pre_tokenizer") else {
      return PreTokenizer(steps: [])
    }
    let preTokenizer = PreTokenizer(steps: try steps(section))
    if preTokenizer.steps.dropLast().contains(where: \.isByteLevel) {
      throw TextError(
        .tokenizerUnsupported, "'\(section.name)' has a step after 'ByteLevel'",
        hint: "docs/guides/tokenizers.md lists what is supported")
    }
    return preTokenizer
  }

  private static func steps(_ section: JSONSection) throws(TextError) -> [PreTokenizer.Step] {
    switch try section.string("type") {
    case "Sequence":
      return try section.steps("pretokenizers", steps)
    case "BertPreTokenizer":
      return [.bert(BertPreTokenizer())]
    case "ByteLevel":
      return [
        .byteLevel(
          ByteLevelPreTokenizer(
            addsPrefixSpace: try section.bool("add_prefix_space", default: true),
            splits: try section.bool("use_regex", default: true)))
      ]
    case let type:
      throw section.unsupported(type)
    }
  }
}

extension PreTokenizer {
  /// Whether the words are given as bytes of the byte-level alphabet.
  var isByteLevel: Bool { steps.last?.isByteLevel ?? false }
}

extension PreTokenizer.Step {
  var isByteLevel: Bool {
    if case .byteLevel = self { true } else { false }
  }
}
