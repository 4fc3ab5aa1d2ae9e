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
    case "WhitespaceSplit":
      return [.whitespace(WhitespaceSplit())]
    case "Metaspace":
      return [.metaspace(try metaspace(section))]
    case "Split":
      return [.byteLevelWords(try split(section))]
    case let type:
      throw section.unsupported(type)
    }
  }

  /// Newer files have `prepend_scheme`, older ones `add_prefix_space`.
  private static func metaspace(_ section: JSONSection) throws(TextError) -> Metaspace {
    let replacement = try section.string("replacement", default: "\u{2581}")
    guard replacement.unicodeScalars.count == 1 else {
      throw TextError(
        .tokenizerMalformed, "'\(section.path("replacement"))' is not one character")
    }
    let older = try section.bool("add_prefix_space", default: true)
    let scheme = try section.string("prepend_scheme", default: older ? "always" : "never")
    guard let prepending = Metaspace.Prepending(rawValue: scheme) else {
      throw TextError(
        .tokenizerUnsupported,
        "'\(section.path("prepend_scheme"))' is '\(scheme)', which is not supported")
    }
    return Metaspace(
      replacement: Array(replacement.utf8), prepending: prepending,
      splits: try section.bool("split", default: true))
  }

  /// The one pattern that byte-level tokenizers of encoders spell out.
  private static let gpt2Pattern =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  private static func split(_ section: JSONSection) throws(TextError) -> ByteLevelPreTokenizer {
    let pattern = try section.section("pattern").string("Regex", default: "")
    let behavior = try section.string("behavior")
    guard pattern == gpt2Pattern, behavior == "Isolated",
      try !section.bool("invert", default: false)
    else {
      throw TextError(
        .tokenizerUnsupported,
        "'\(section.name)' is of type 'Split' with another pattern or behavior than GPT-2's",
        hint: "docs/guides/tokenizers.md lists what is supported")
    }
    return ByteLevelPreTokenizer(addsPrefixSpace: false)
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
