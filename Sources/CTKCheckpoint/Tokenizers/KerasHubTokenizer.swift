import CTKCore

/// The tokenizer of a KerasHub preset: a class in `tokenizer.json` and assets beside it.
struct KerasHubTokenizer {
  let files: TokenizerFiles

  /// KerasHub's asset names and those of transformers.
  private static func assets(of className: String) -> [(asset: String, name: String)] {
    [
      ("vocabulary.txt", "vocab.txt"), ("vocabulary.json", "vocab.json"),
      ("merges.txt", "merges.txt"),
      (
        "vocabulary.spm",
        className == "XLMRobertaTokenizer" ? "sentencepiece.bpe.model" : "spiece.model"
      ),
    ]
  }

  /// - Returns: nil when the folder has no tokenizer of KerasHub.
  /// - Throws: the codes of reading files and JSON.
  init?(folder: String) throws(CheckpointError) {
    let description = folder + "/" + TokenizerConversion.documentName
    guard Folder.fileExists(description) else { return nil }
    let json = try CheckpointError.wrap { () throws(CoreError) in
      try JSONParser.parseFile(description)
    }
    guard let className = json["class_name"]?.stringValue else { return nil }
    let folders = [folder + "/assets/tokenizer/", folder + "/assets/", folder + "/"]
    var files = Self.assets(of: className).compactMap { asset, name in
      folders.first { Folder.fileExists($0 + asset) }.map {
        TokenizerFiles.File(name: name, content: .copy(of: $0 + asset))
      }
    }
    if !files.isEmpty {
      files.append(
        TokenizerFiles.File(
          name: "tokenizer_config.json",
          content: .text(Self.settings(className, json["config"] ?? .null).prettyText)))
    }
    self.files = TokenizerFiles(
      files: files,
      findings: ["the assets of KerasHub's \(className) were given transformers' names"])
  }

  /// What KerasHub's class is set to, in transformers' words.
  private static func settings(_ className: String, _ config: JSONValue) -> JSONValue {
    var fields = JSONObject()
    fields["tokenizer_class"] = .string(className)
    if let lowercase = config["lowercase"]?.boolValue {
      fields["do_lower_case"] = .bool(lowercase)
      fields["strip_accents"] = .bool(config["strip_accents"]?.boolValue ?? false)
    }
    if let prefix = config["add_prefix_space"]?.boolValue {
      fields["add_prefix_space"] = .bool(prefix)
    }
    return .object(fields)
  }
}
