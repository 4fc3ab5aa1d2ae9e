public import CTKCore

/// The tokenizer files of a checkpoint folder.
public enum TokenizerFolder {
  /// Loads the tokenizer of a folder: `tokenizer.json`, or else `vocab.txt`, or `vocab.json` and
  /// `merges.txt`, or `spiece.model` or `sentencepiece.bpe.model`, with the settings of `tokenizer_config.json` and `special_tokens_map.json`.
  ///
  /// Truncation and padding that `tokenizer.json` may carry are left out; callers decide.
  ///
  /// - Throws: `text.tokenizer-missing`, `text.tokenizer-unsupported`,
  ///   `text.tokenizer-malformed`, `text.vocabulary-duplicate`, `text.vocabulary-invalid`,
  ///   `text.merge-invalid`, `text.special-token-missing`, and the codes of files and JSON.
  public static func load(_ folder: String) throws(TextError) -> any Tokenizer {
    let settings = try TokenizerSettings(folder: folder)
    let document = folder + "/tokenizer.json"
    if Folder.fileExists(document) {
      return try located(document) { () throws(TextError) in
        let json = try TextError.wrap { () throws(CoreError) in try JSONParser.parseFile(document) }
        return try TokenizerDocument(json).tokenizer(settings: settings)
      }
    }
    let lines = folder + "/vocab.txt"
    if Folder.fileExists(lines) {
      return try located(lines) { () throws(TextError) in
        try VocabularyFile.tokenizer(lines, settings: settings)
      }
    }
    let vocabulary = folder + "/vocab.json"
    let merges = folder + "/merges.txt"
    if Folder.fileExists(vocabulary) && Folder.fileExists(merges) {
      return try located(vocabulary) { () throws(TextError) in
        try MergeFiles.tokenizer(vocabulary: vocabulary, merges: merges, settings: settings)
      }
    }
    for name in SentencePieceFile.names where Folder.fileExists(folder + "/" + name) {
      return try located(folder + "/" + name) { () throws(TextError) in
        try SentencePieceFile.tokenizer(folder + "/" + name, settings: settings)
      }
    }
    throw absence(folder)
  }

  private static func located(
    _ path: String, _ body: () throws(TextError) -> any Tokenizer
  ) throws(TextError) -> any Tokenizer {
    do {
      return try body()
    } catch {
      throw error.at(path)
    }
  }

  private static func absence(_ folder: String) -> TextError {
    for (name, other) in [("vocab.json", "merges.txt"), ("merges.txt", "vocab.json")]
    where Folder.fileExists(folder + "/" + name) {
      return TextError(
        .tokenizerMissing, "'\(name)' is here, '\(other)' is not", path: folder,
        hint: "the two files belong together")
    }
    return TextError(
      .tokenizerMissing, "there is no tokenizer here", path: folder,
      hint: "put the tokenizer files of the pretrained model into this folder")
  }
}
