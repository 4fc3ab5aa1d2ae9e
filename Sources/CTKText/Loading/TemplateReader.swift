import CTKCore

/// Reads the post-processor of a `tokenizer.json` file into templates.
struct TemplateReader {
  private let root: JSONSection

  init(_ root: JSONSection) { self.root = root }

  /// - Throws: `text.tokenizer-unsupported`, `text.tokenizer-malformed`.
  func templates() throws(TextError) -> SequenceTemplates {
    guard let processor = try root.optionalSection("post_processor") else { return .bare }
    let found = try templates(processor)
    if found.count > 1 {
      throw TextError(
        .tokenizerUnsupported,
        "'\(processor.name)' puts special tokens around a text more than once")
    }
    return found.first ?? .bare
  }

  /// One template for each step that adds special tokens.
  private func templates(_ processor: JSONSection) throws(TextError) -> [SequenceTemplates] {
    switch try processor.string("type") {
    case "Sequence":
      return try processor.steps("processors", templates)
    case "ByteLevel":
      return []
    case "TemplateProcessing":
      let ids = try specialIDs(processor.section("special_tokens"))
      return [
        SequenceTemplates(
          single: try template(processor, "single", ids, textCount: 1),
          pair: try template(processor, "pair", ids, textCount: 2))
      ]
    case "BertProcessing":
      return [.bert(cls: try tokenID(processor, "cls"), sep: try tokenID(processor, "sep"))]
    case "RobertaProcessing":
      return [.roberta(cls: try tokenID(processor, "cls"), sep: try tokenID(processor, "sep"))]
    case let type:
      throw processor.unsupported(type)
    }
  }

  private func specialIDs(_ section: JSONSection) throws(TextError) -> [String: [Int32]] {
    var ids: [String: [Int32]] = [:]
    for name in section.object.keys {
      let values = try section.section(name).array("ids")
      var tokenIDs: [Int32] = []
      for value in values {
        tokenIDs.append(try id(value, section.path(name)))
      }
      ids[name] = tokenIDs
    }
    return ids
  }

  private func template(
    _ processor: JSONSection, _ key: String, _ specialIDs: [String: [Int32]], textCount: Int
  ) throws(TextError) -> SequenceTemplate {
    var pieces: [SequenceTemplate.Piece] = []
    var texts: [Int] = []
    for (position, value) in try processor.array(key).enumerated() {
      let piece = try JSONSection(value, name: "\(processor.path(key))[\(position)]")
      if let special = try piece.optionalSection("SpecialToken") {
        let name = try special.string("id")
        guard let ids = specialIDs[name] else {
          throw TextError(
            .tokenizerMalformed, "'\(special.name)': '\(name)' is not among 'special_tokens'")
        }
        pieces.append(.special(ids: ids, typeID: try typeID(special)))
      } else {
        let sequence = try piece.section("Sequence")
        let side = try sequence.string("id") == "A" ? 0 : 1
        texts.append(side)
        pieces.append(.text(side, typeID: try typeID(sequence)))
      }
    }
    guard texts.sorted() == Array(0..<textCount) else {
      throw TextError(
        .tokenizerMalformed,
        "'\(processor.path(key))' must hold each of its \(textCount) texts once")
    }
    return SequenceTemplate(pieces)
  }

  /// Reads the `["[SEP]", 102]` form.
  private func tokenID(_ processor: JSONSection, _ key: String) throws(TextError) -> Int32 {
    let entry = try processor.array(key)
    guard entry.count == 2 else {
      throw TextError(
        .tokenizerMalformed, "'\(processor.path(key))' must be a token and its id")
    }
    return try id(entry[1], processor.path(key))
  }

  private func typeID(_ section: JSONSection) throws(TextError) -> Int32 {
    try id(.integer(try section.int("type_id")), section.path("type_id"))
  }

  private func id(_ value: JSONValue, _ name: String) throws(TextError) -> Int32 {
    guard let id = value.intValue.flatMap(Int32.init(exactly:)), id >= 0 else {
      throw TextError(.tokenizerMalformed, "'\(name)' holds something that is not an id")
    }
    return id
  }
}
