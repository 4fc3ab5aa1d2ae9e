import CTKCore

/// The special tokens of a folder: their names and where they are found.
struct SpecialTokens {
  /// What a special token is for, by its key in the settings files.
  enum Role: String, CaseIterable {
    case unknown = "unk_token"
    case sep = "sep_token"
    case pad = "pad_token"
    case cls = "cls_token"
    case mask = "mask_token"

    var defaultName: String {
      switch self {
      case .unknown: "[UNK]"
      case .sep: "[SEP]"
      case .pad: "[PAD]"
      case .cls: "[CLS]"
      case .mask: "[MASK]"
      }
    }
  }

  /// Names by role where a file gives them.
  private let names: [Role: String]
  private let vocabulary: Vocabulary
  private let addedTokens: [AddedToken]

  init(_ names: [Role: String], _ vocabulary: Vocabulary, _ addedTokens: [AddedToken]) {
    self.names = names
    self.vocabulary = vocabulary
    self.addedTokens = addedTokens
  }

  func name(_ role: Role) -> String { names[role] ?? role.defaultName }

  /// - Throws: `text.special-token-missing`.
  func requiredID(_ role: Role) throws(TextError) -> Int32 {
    let name = name(role)
    if let id = vocabulary.id(of: name) ?? addedToken(name)?.id { return id }
    throw TextError(
      .specialTokenMissing, "there is no token '\(name)', the \(role.rawValue)")
  }

  /// The added tokens, and the special tokens of the vocabulary that are not among them.
  var allTokens: [AddedToken] {
    addedTokens
      + Role.allCases.compactMap { role in
        guard addedToken(name(role)) == nil else { return nil }
        return vocabulary.id(of: name(role)).map { AddedToken(content: name(role), id: $0) }
      }
  }

  private func addedToken(_ content: String) -> AddedToken? {
    addedTokens.first { $0.content.utf8.elementsEqual(content.utf8) }
  }
}

/// The agreement of added tokens with the vocabulary and with each other.
enum AddedTokenCheck {
  /// - Throws: `text.vocabulary-duplicate` where a token or an id has two meanings,
  ///   `text.vocabulary-invalid` where a token is empty.
  static func checked(
    _ tokens: [AddedToken], against vocabulary: Vocabulary
  ) throws(TextError) -> [AddedToken] {
    var seen: Set<[UInt8]> = []
    for token in tokens {
      if token.content.isEmpty {
        throw TextError(.vocabularyInvalid, "the added token with the id \(token.id) is empty")
      }
      if !seen.insert(Array(token.content.utf8)).inserted {
        throw TextError(
          .vocabularyDuplicate, "the token '\(token.content)' is added twice")
      }
      if let id = vocabulary.id(of: token.content), id != token.id {
        throw TextError(
          .vocabularyDuplicate,
          "the added token '\(token.content)' has the id \(token.id), in the vocabulary \(id)")
      }
    }
    return tokens
  }
}
