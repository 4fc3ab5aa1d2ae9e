import CTKCore

/// The special tokens of a folder: their names and where they are found.
struct SpecialTokens {
  /// What a special token is for, by its key in the settings files.
  enum Role: String, CaseIterable {
    case bos = "bos_token"
    case eos = "eos_token"
    case unknown = "unk_token"
    case sep = "sep_token"
    case pad = "pad_token"
    case cls = "cls_token"
    case mask = "mask_token"
  }

  /// Names that tokens have where no file gives them.
  struct Defaults {
    let names: [Role: String]
    /// The mask token takes the white space before it along.
    let stripsLeftOfMask: Bool
    /// The mask token is looked for in normalized text.
    var findsMaskNormalized = false

    /// Of BERT and its kin.
    static let bracketed = Defaults(
      names: [
        .unknown: "[UNK]", .sep: "[SEP]", .pad: "[PAD]", .cls: "[CLS]", .mask: "[MASK]",
      ], stripsLeftOfMask: false)

    /// Of XLNet.
    static let separated = Defaults(
      names: [
        .bos: "<s>", .eos: "</s>", .unknown: "<unk>", .sep: "<sep>", .pad: "<pad>", .cls: "<cls>",
        .mask: "<mask>",
      ], stripsLeftOfMask: true, findsMaskNormalized: true)

    /// Of XLM-RoBERTa.
    static let angledPieces = Defaults(
      names: angled.names, stripsLeftOfMask: true, findsMaskNormalized: true)

    /// Of RoBERTa and its kin.
    static let angled = Defaults(
      names: [
        .bos: "<s>", .eos: "</s>", .unknown: "<unk>", .sep: "</s>", .pad: "<pad>", .cls: "<s>",
        .mask: "<mask>",
      ], stripsLeftOfMask: true)
  }

  /// Names by role where a file gives them.
  private let names: [Role: String]
  private let defaults: Defaults
  private let vocabulary: Vocabulary
  private let addedTokens: [AddedToken]

  init(
    _ names: [Role: String], _ defaults: Defaults, _ vocabulary: Vocabulary,
    _ addedTokens: [AddedToken]
  ) {
    self.names = names
    self.defaults = defaults
    self.vocabulary = vocabulary
    self.addedTokens = addedTokens
  }

  /// - Throws: `text.special-token-missing`.
  func requiredID(_ role: Role) throws(TextError) -> Int32 {
    let name = name(role) ?? ""
    if let id = id(name) { return id }
    throw TextError(
      .specialTokenMissing, "there is no token '\(name)', the \(role.rawValue)")
  }

  /// The padding token, also by the other usual name where no file names it.
  ///
  /// - Throws: `text.special-token-missing`.
  func padID() throws(TextError) -> Int32 {
    if names[.pad] == nil, let id = id("[PAD]") ?? id("<pad>") { return id }
    return try requiredID(.pad)
  }

  /// The added tokens, and the special tokens of the vocabulary that are not among them.
  var allTokens: [AddedToken] {
    var tokens = addedTokens
    for role in Role.allCases {
      guard let name = name(role), !tokens.contains(where: { $0.isSpelled(name) }),
        let id = vocabulary.id(of: name)
      else { continue }
      tokens.append(
        AddedToken(
          content: name, id: id, stripsLeft: role == .mask && defaults.stripsLeftOfMask,
          matchesNormalized: role == .mask && defaults.findsMaskNormalized))
    }
    return tokens
  }

  func name(_ role: Role) -> String? { names[role] ?? defaults.names[role] }

  private func id(_ name: String) -> Int32? {
    vocabulary.id(of: name) ?? addedTokens.first { $0.isSpelled(name) }?.id
  }
}

extension AddedToken {
  /// Compares byte by byte, unlike strings do.
  fileprivate func isSpelled(_ name: String) -> Bool {
    content.utf8.elementsEqual(name.utf8)
  }
}
