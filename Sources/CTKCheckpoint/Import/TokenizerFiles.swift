import CTKCore

/// The files that make up a tokenizer.
enum TokenizerFiles {
  static let names = [
    "added_tokens.json", "merges.txt", "special_tokens_map.json", "spiece.model",
    "tokenizer.json", "tokenizer_config.json", "vocab.json", "vocab.txt",
  ]

  /// Names of the tokenizer files in a folder, sorted.
  static func present(in folder: String) -> [String] {
    names.filter { Folder.fileExists(folder + "/" + $0) }
  }

  /// Paths of the tokenizer files to copy.
  ///
  /// - Parameters:
  ///   - path: a folder or one file, given by the user; nil means `folder`.
  ///   - folder: where the weights lie; it may have no tokenizer.
  /// - Throws: `import.tokenizer-missing` when the user's path holds none.
  static func find(at path: String?, beside folder: String) throws(CheckpointError) -> [String] {
    guard let path else { return present(in: folder).map { folder + "/" + $0 } }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    if names.contains(name) && Folder.fileExists(path) { return [path] }
    let found = present(in: path).map { path + "/" + $0 }
    if found.isEmpty {
      throw CheckpointError(
        .tokenizerMissing, "there is no tokenizer file here", path: path,
        hint: "give a folder with vocab.txt or tokenizer.json")
    }
    return found
  }
}
