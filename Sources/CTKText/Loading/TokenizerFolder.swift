public import CTKCore

/// The tokenizer files of a checkpoint folder.
public enum TokenizerFolder {
  /// Loads the tokenizer of a folder: `tokenizer.json`, or else `vocab.txt` with the settings of
  /// `tokenizer_config.json` and `special_tokens_map.json`.
  ///
  /// Truncation and padding that `tokenizer.json` may carry are left out; callers decide.
  ///
  /// - Throws: `text.tokenizer-missing`, `text.tokenizer-unsupported`,
  ///   `text.tokenizer-malformed`, `text.vocabulary-duplicate`, `text.vocabulary-invalid`,
  ///   `text.special-token-missing`, and the codes of files and JSON.
  public static func load(_ folder: String) throws(TextError) -> any Tokenizer {
    let settings = try TokenizerSettings(folder: folder)
    let document = folder + "/tokenizer.json"
    if Folder.fileExists(document) {
      return try located(document) { () throws(TextError) in
        let json = try TextError.wrap { () throws(CoreError) in try JSONParser.parseFile(document) }
        return try TokenizerDocument(json).tokenizer(settings: settings)
      }
    }
    let vocabulary = folder + "/vocab.txt"
    if Folder.fileExists(vocabulary) {
      return try located(vocabulary) { () throws(TextError) in
        try VocabularyFile.tokenizer(vocabulary, settings: settings)
      }
    }
    throw absence(folder)
  }

  private static func located(
    _ path: String, _ body: () throws(TextError) -> WordPieceTokenizer
  ) throws(TextError) -> WordPieceTokenizer {
    do {
      return try body()
    } catch {
      throw error.at(path)
    }
  }

  private static func absence(_ folder: String) -> TextError {
    for name in ["vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model"]
    where Folder.fileExists(folder + "/" + name) {
      return TextError(
        .tokenizerUnsupported, "'\(name)' belongs to a tokenizer other than WordPiece",
        path: folder, hint: "WordPiece tokenizers have a tokenizer.json or a vocab.txt")
    }
    return TextError(
      .tokenizerMissing, "there is neither a tokenizer.json nor a vocab.txt here", path: folder,
      hint: "put the tokenizer files of the pretrained model into this folder")
  }
}
