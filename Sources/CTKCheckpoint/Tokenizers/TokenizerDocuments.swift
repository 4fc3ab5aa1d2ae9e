import CTKCore

/// `tokenizer.json` of a WordPiece vocabulary, as BERT, ELECTRA and DistilBERT use it.
struct WordPieceDocument {
  let json: JSONValue

  /// - Throws: `import.tokenizer-invalid` for a repeated token or a special token that is missing.
  init(
    tokens: [String], settings: TokenizerSettings, lowercases: Bool
  ) throws(CheckpointError) {
    var vocabulary = JSONObject()
    for (id, token) in tokens.enumerated() where !token.isEmpty {
      guard vocabulary[token] == nil else {
        throw CheckpointError(.tokenizerInvalid, "vocab.txt has '\(token)' twice")
      }
      vocabulary[token] = .integer(id)
    }
    let cls = settings.token("cls_token", default: SpecialToken(content: "[CLS]"))
    let sep = settings.token("sep_token", default: SpecialToken(content: "[SEP]"))
    let unknown = settings.token("unk_token", default: SpecialToken(content: "[UNK]"))
    let others = [("pad_token", "[PAD]"), ("mask_token", "[MASK]")].map {
      settings.token($0.0, default: SpecialToken(content: $0.1))
    }
    let id = { (token: String) in vocabulary[token]?.intValue }
    json = [
      "version": "1.0", "truncation": .null, "padding": .null,
      "added_tokens": try SpecialToken.list([unknown, cls, sep] + others, id: id),
      "normalizer": [
        "type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": .bool(settings.spacesIdeographs),
        "strip_accents": settings.stripsAccents, "lowercase": .bool(lowercases),
      ],
      "pre_tokenizer": ["type": "BertPreTokenizer"],
      "post_processor": try Self.template(cls.content, sep.content, id: id),
      "decoder": ["type": "WordPiece", "prefix": "##", "cleanup": true],
      "model": [
        "type": "WordPiece", "unk_token": .string(unknown.content),
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": .object(vocabulary),
      ],
    ]
  }

  /// [CLS] A [SEP], and [CLS] A [SEP] B [SEP] with the second type for B and what follows it.
  private static func template(
    _ cls: String, _ sep: String, id: (String) -> Int?
  ) throws(CheckpointError) -> JSONValue {
    let special = { (token: String, type: Int) -> JSONValue in
      ["SpecialToken": ["id": .string(token), "type_id": .integer(type)]]
    }
    let sequence = { (name: String, type: Int) -> JSONValue in
      ["Sequence": ["id": .string(name), "type_id": .integer(type)]]
    }
    var tokens = JSONObject()
    for token in [cls, sep] {
      tokens[token] = [
        "id": .string(token), "ids": [.integer(try SpecialToken.required(token, id))],
        "tokens": [.string(token)],
      ]
    }
    let single = [special(cls, 0), sequence("A", 0), special(sep, 0)]
    return [
      "type": "TemplateProcessing", "single": .array(single),
      "pair": .array(single + [sequence("B", 1), special(sep, 1)]),
      "special_tokens": .object(tokens),
    ]
  }
}

/// `tokenizer.json` of a byte-level BPE vocabulary, as RoBERTa uses it.
struct BytePairDocument {
  let json: JSONValue

  /// - Parameter merges: lines of two tokens; a first line that begins with `#version` is none.
  /// - Throws: `import.tokenizer-invalid`.
  init(
    vocabulary: JSONObject, merges: [String], settings: TokenizerSettings
  ) throws(CheckpointError) {
    let plain = { (name: String) in SpecialToken(content: name, isNormalized: true) }
    let cls = settings.token("cls_token", default: plain("<s>"))
    let sep = settings.token("sep_token", default: plain("</s>"))
    let others = [
      settings.token("bos_token", default: plain("<s>")),
      settings.token("eos_token", default: plain("</s>")),
      settings.token("pad_token", default: plain("<pad>")),
      settings.token("unk_token", default: plain("<unk>")),
      settings.token("mask_token", default: SpecialToken(content: "<mask>", stripsLeft: true)),
    ]
    let id = { (token: String) in vocabulary[token]?.intValue }
    let prefix = JSONValue.bool(settings.addsPrefixSpace)
    let trim = JSONValue.bool(settings.trimsOffsets)
    json = [
      "version": "1.0", "truncation": .null, "padding": .null,
      "added_tokens": try SpecialToken.list(others + [cls, sep], id: id),
      "normalizer": .null,
      "pre_tokenizer": [
        "type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true, "use_regex": true,
      ],
      "post_processor": [
        "type": "RobertaProcessing",
        "sep": [.string(sep.content), .integer(try SpecialToken.required(sep.content, id))],
        "cls": [.string(cls.content), .integer(try SpecialToken.required(cls.content, id))],
        "trim_offsets": trim, "add_prefix_space": prefix,
      ],
      "decoder": [
        "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
      ],
      "model": [
        "type": "BPE", "dropout": .null, "unk_token": .null, "continuing_subword_prefix": "",
        "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false,
        "ignore_merges": false, "vocab": .object(vocabulary),
        "merges": .array(try Self.pairs(merges)),
      ],
    ]
  }

  private static func pairs(_ lines: [String]) throws(CheckpointError) -> [JSONValue] {
    var pairs: [JSONValue] = []
    for (number, line) in lines.enumerated() {
      if line.isEmpty || number == 0 && line.hasPrefix("#version") { continue }
      let parts = line.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
        throw CheckpointError(
          .tokenizerInvalid, "line \(number + 1) of merges.txt is not two tokens: '\(line)'")
      }
      pairs.append(.array(parts.map { .string(String($0)) }))
    }
    return pairs
  }
}
