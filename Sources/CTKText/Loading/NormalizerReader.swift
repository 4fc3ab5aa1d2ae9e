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
    case let type:
      throw section.unsupported(type)
    }
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
