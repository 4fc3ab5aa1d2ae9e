import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Foundation
import Testing

@Suite("Tokenizers come along", .tags(.format))
struct TokenizerFilesTests {
  private let folder = TemporaryFolder()

  /// Copies tokenizer files of a reference checkpoint, without `tokenizer.json`.
  private func olderFiles(of name: String, _ files: [String]) throws -> String {
    let path = folder.file("tokenizer")
    try Folder.create(path)
    for file in files {
      try folder.write("tokenizer/" + file, contents(checkpoint(name + "/" + file)))
    }
    return path
  }

  private func imported(with tokenizer: String) throws -> ImportReport {
    try runImport(
      checkpoint("bert/tf"), into: folder, as: "out", ImportOptions(tokenizerPath: tokenizer))
  }

  @Test("vocab.txt becomes the tokenizer.json that transformers writes")
  func wordPiece() throws {
    let source = try olderFiles(
      of: "bert/pt", ["vocab.txt", "tokenizer_config.json", "special_tokens_map.json"])
    let report = try imported(with: source)
    #expect(report.tokenizerFiles.count == 4)
    #expect(
      try JSONParser.parseFile(folder.file("out/tokenizer.json"))
        == sorted(try JSONParser.parseFile(checkpoint("bert/pt/tokenizer.json"))))
  }

  @Test("A vocabulary whose letter case nobody states is copied and nothing else")
  func unstatedCase() throws {
    let report = try imported(with: try olderFiles(of: "bert/pt", ["vocab.txt"]))
    #expect(report.tokenizerFiles == ["vocab.txt"])
    #expect(report.findings.contains { $0.contains("do_lower_case") })
  }

  @Test("KerasHub's assets get transformers' names, its tokenizer.json is not taken for theirs")
  func kerasHub() throws {
    let path = folder.file("preset")
    try Folder.create(path + "/assets/tokenizer")
    try folder.write(
      "preset/tokenizer.json",
      Array(
        """
        {"class_name": "BertTokenizer", "config": {"lowercase": true, "strip_accents": false}}
        """.utf8))
    try folder.write(
      "preset/assets/tokenizer/vocabulary.txt", contents(checkpoint("bert/pt/vocab.txt")))
    let report = try imported(with: path)
    #expect(report.tokenizerFiles == ["tokenizer.json", "tokenizer_config.json", "vocab.txt"])
    let document = try JSONParser.parseFile(folder.file("out/tokenizer.json"))
    #expect(document["normalizer"]?["strip_accents"] == false)
    #expect(document["normalizer"]?["lowercase"] == true)
    #expect(document["model"]?["vocab"]?["[SEP]"] == 3)
  }

  @Test(
    "A vocabulary that cannot be one is refused",
    arguments: ["[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\na\n", "a\nb\n", "\u{FF}"])
  func invalid(_ text: String) throws {
    let source = try olderFiles(of: "bert/pt", ["tokenizer_config.json"])
    let bytes = text == "\u{FF}" ? [UInt8(0xFF), 0x0A] : Array(text.utf8)
    try folder.write("tokenizer/vocab.txt", bytes)
    #expect(failureCode { _ = try imported(with: source) } == "import.tokenizer-invalid")
    #expect(!folder.names.contains("out"))
  }

  /// The value as it reads back from a file with sorted keys.
  private func sorted(_ value: JSONValue) throws -> JSONValue {
    try JSONParser.parse(Array(value.compactText.utf8))
  }
}
