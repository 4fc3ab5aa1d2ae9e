import CTKCore

/// Reads the normalizer of a `tokenizer.json` file.
enum NormalizerReader {
  /// - Throws: `text.tokenizer-unsupported`, `text.tokenizer-malformed`.
  static func normalizer(_ root: JSONSection) throws(TextError) -> TextNormalizer {
    guard let section = try root.optionalSection("normalizer") else {
      return TextNormalizer(steps: [])
    }
    return TextNormalizer(steps: try steps(section))
  }

  private static func steps(_ section: JSONSection) throws(TextError) -> [TextNormalizer.Step] {
    switch try section.string("type") {
    case "Sequence":
      return try section.steps("normalizers", steps)
    case "BertNormalizer":
      return [.bert(BertNormalizer(try bertOptions(section)))]
    case "Lowercase":
      return [.bert(BertNormalizer(.lowercasing))]
    case "NFC", "NFD", "NFKC", "NFKD":
      let form = UnicodeNormalizer.Form(rawValue: try section.string("type"))
      return form.map { [.unicode(UnicodeNormalizer($0))] } ?? []
    case "Nmt":
      return [.filter(.translation)]
    case "Precompiled":
      return try precompiled(section).map { [.precompiled($0)] } ?? []
    case "Prepend":
      return [.prepend(Array(try section.string("prepend").utf8))]
    case "Replace":
      return [.replace(try replacement(section))]
    case "Strip":
      return [
        .strip(
          EdgeStripping(
            left: try section.bool("strip_left"), right: try section.bool("strip_right")))
      ]
    case "StripAccents":
      return [.filter(.marks)]
    case let type:
      throw section.unsupported(type)
    }
  }

  private static func precompiled(
    _ section: JSONSection
  ) throws(TextError) -> PrecompiledNormalizer? {
    guard let map = Base64.decode(Array(try section.string("precompiled_charsmap").utf8)) else {
      throw TextError(
        .tokenizerMalformed, "'\(section.path("precompiled_charsmap"))' is not base64")
    }
    return try PrecompiledNormalizer(map)
  }

  /// Literal patterns, and the one regular expression that SentencePiece models come with.
  private static func replacement(_ section: JSONSection) throws(TextError) -> LiteralReplacement {
    let pattern = try section.section("pattern")
    let content = try section.string("content")
    if pattern.object["Regex"] == nil {
      return LiteralReplacement(pattern: try pattern.string("String"), content: content)
    }
    let expression = try pattern.string("Regex")
    if expression == " {2,}" {
      return LiteralReplacement(pattern: " ", content: content, minimumRun: 2)
    }
    throw TextError(
      .tokenizerUnsupported,
      "'\(pattern.name)' is the regular expression '\(expression)', which is not supported",
      hint: "docs/guides/tokenizers.md lists what is")
  }

  private static func bertOptions(
    _ section: JSONSection
  ) throws(TextError) -> BertNormalizer.Options {
    BertNormalizer.Options(
      cleansText: try section.bool("clean_text", default: true),
      spacesIdeographs: try section.bool("handle_chinese_chars", default: true),
      stripsAccents: try section.optionalBool("strip_accents"),
      lowercases: try section.bool("lowercase", default: true))
  }
}

extension JSONSection {
  /// Steps of a `Sequence` at most.
  private static var stepLimit: Int { 256 }

  /// Reads the members of a `Sequence` and joins their steps.
  func steps<Step>(
    _ key: String, _ read: (JSONSection) throws(TextError) -> [Step]
  ) throws(TextError) -> [Step] {
    var steps: [Step] = []
    for (position, value) in try array(key).enumerated() {
      steps += try read(JSONSection(value, name: "\(path(key))[\(position)]"))
      if steps.count > Self.stepLimit {
        throw TextError(
          .tokenizerMalformed, "'\(path(key))' has more than \(Self.stepLimit) steps")
      }
    }
    return steps
  }

  func unsupported(_ type: String) -> TextError {
    TextError(
      .tokenizerUnsupported, "'\(name)' is of type '\(type)', which is not supported",
      hint: "docs/guides/tokenizers.md lists what is")
  }
}
