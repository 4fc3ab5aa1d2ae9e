import CTKCore

/// The tokenizer that comes along with a checkpoint: files by the names that transformers gives
/// them.
struct TokenizerFiles: Sendable {
  /// One file to write.
  struct File: Sendable {
    enum Content: Sendable {
      case copy(of: String)
      case text(String)
    }

    let name: String
    let content: Content
  }

  /// Sorted by name.
  let files: [File]
  /// What was converted or left out, one sentence each.
  let findings: [String]

  var names: [String] { files.map(\.name) }

  static let knownNames = [
    "added_tokens.json", "merges.txt", "sentencepiece.bpe.model", "special_tokens_map.json",
    "spiece.model", "tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt",
  ]

  /// Names of the tokenizer files in a folder, sorted.
  static func present(in folder: String) -> [String] {
    knownNames.filter { Folder.fileExists(folder + "/" + $0) }
  }

  /// Finds a tokenizer and completes it by one `tokenizer.json` where its files say everything
  /// that one needs.
  ///
  /// - Parameters:
  ///   - path: a folder or one file, given by the user; nil means `folder`.
  ///   - folder: where the weights lie; it may have no tokenizer.
  ///   - architecture: of the model, which decides how sequences are put together.
  /// - Throws: `import.tokenizer-missing` when the user's path holds none,
  ///   `import.tokenizer-invalid`, and the codes of reading files.
  static func find(
    at path: String?, beside folder: String, for architecture: Architecture
  ) throws(CheckpointError) -> TokenizerFiles {
    let found = try located(path, folder)
    var files = found.files
    var findings = found.findings
    if !files.contains(where: { $0.name == TokenizerConversion.documentName }) {
      let conversion = try TokenizerConversion(files, architecture)
      if let document = conversion.document {
        files.append(
          File(name: TokenizerConversion.documentName, content: .text(document.prettyText)))
      }
      findings += conversion.findings
    }
    return TokenizerFiles(
      files: files.sorted { utf8Precedes($0.name, $1.name) }, findings: findings)
  }

  private static func located(
    _ path: String?, _ folder: String
  ) throws(CheckpointError) -> TokenizerFiles {
    guard let path else { return try files(in: folder) }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if knownNames.contains(name) && Folder.fileExists(path) {
      return TokenizerFiles(files: [File(name: name, content: .copy(of: path))], findings: [])
    }
    let found = try files(in: path)
    if found.files.isEmpty {
      throw CheckpointError(
        .tokenizerMissing, "there is no tokenizer file here", path: path,
        hint: "give a folder with vocab.txt or tokenizer.json")
    }
    return found
  }

  private static func files(in folder: String) throws(CheckpointError) -> TokenizerFiles {
    if let preset = try KerasHubTokenizer(folder: folder) { return preset.files }
    let files = present(in: folder).map {
      File(name: $0, content: .copy(of: folder + "/" + $0))
    }
    return TokenizerFiles(files: files, findings: [])
  }

  /// Writes every file into the output.
  func write(_ path: (String) -> String) throws(CoreError) {
    for file in files {
      switch file.content {
      case .copy(let source): try SmallFile.write(readSmallFile(source), to: path(file.name))
      case .text(let text): try SmallFile.write(text, to: path(file.name))
      }
    }
  }
}

extension TokenizerFiles.File {
  func bytes() throws(CheckpointError) -> [UInt8] {
    switch content {
    case .text(let text): return Array(text.utf8)
    case .copy(let path):
      return try CheckpointError.wrap { () throws(CoreError) in try readSmallFile(path) }
    }
  }
}
