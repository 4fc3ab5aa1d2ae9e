import CTKCore
import CTKTestSupport
import Foundation
import Testing

/// One recorded line of what the fast tokenizer gives, and its input.
private struct RecordedLine {
  let input: JSONValue
  let maxLength: Int?
  let output: JSONValue

  static func all(_ model: String) throws -> [RecordedLine] {
    let bytes = try readSmallFile(Fixtures.path("checkpoints/\(model)/tokenization.jsonl"))
    return try bytes.split(separator: 0x0A).map { line in
      let json = try JSONParser.parse(Array(line))
      return RecordedLine(
        input: ["text": try #require(json["text"]), "text_pair": try #require(json["pair"])],
        maxLength: json["max_length"]?.intValue,
        output: [
          "input_ids": try #require(json["ids"]), "token_type_ids": try #require(json["type_ids"]),
        ])
    }
  }
}

@Suite("ctk tokenize", .tags(.cli))
struct TokenizeTests {
  static let base = Fixtures.path("checkpoints/bert/pt")

  @Test("Gives every recorded line", arguments: ["bert", "electra"])
  func recordedLines(_ model: String) throws {
    let groups = Dictionary(grouping: try RecordedLine.all(model), by: \.maxLength)
    #expect(groups.count > 10)
    for (maxLength, lines) in groups {
      let input = lines.map { $0.input.compactText + "\n" }.joined()
      var arguments = ["tokenize", "--base", Fixtures.path("checkpoints/\(model)/pt")]
      if let maxLength { arguments += ["--max-length", "\(maxLength)"] }
      let run = try CommandLineTool.run(arguments, input: Array(input.utf8))
      #expect(run.status == 0)
      #expect(run.errors.isEmpty)
      #expect(run.output == lines.map { $0.output.compactText + "\n" }.joined())
    }
  }

  @Test("The summary counts the tokens that are listed without it")
  func summary() throws {
    let options = ["tokenize", "--base", Self.base, "--max-length", "6"]
    let texts = ["other name", "Python\tlicense", "", "one two three four five six"]
    let counts = try CommandLineTool.run(options + texts).jsonLines.map {
      try #require($0["input_ids"]?.arrayValue).count
    }
    let summary = try #require(
      try CommandLineTool.run(options + ["--summary", "--json"] + texts).jsonLines.first)
    #expect(summary["schema"] == "ctk-tokenize-summary/1")
    #expect(summary["texts"] == 4)
    #expect(summary["tokens"]?.intValue == counts.reduce(0, +))
    #expect(summary["longest"] == 6)
    #expect(try #require(summary["seconds"]?.doubleValue) > 0)
    let text = try CommandLineTool.run(options + ["--summary"] + texts).output
    #expect(text.hasPrefix("4 texts, \(counts.reduce(0, +)) tokens, at most 6 in a text; "))
  }

  @Test("Arguments, file and standard input give the same")
  func sources() throws {
    let texts = ["other name", "Python\tlicense", "", "caf\u{E9} \u{4E2D}"]
    let bytes = Array(texts.joined(separator: "\n").utf8)
    let scratch = TemporaryFolder()
    let file = try scratch.write("texts.txt", bytes)
    let options = ["tokenize", "--base", Self.base]
    let expected = try CommandLineTool.run(options + texts)
    #expect(try expected.jsonLines.count == 4)
    #expect(try CommandLineTool.run(options + ["--input", file]).output == expected.output)
    #expect(try CommandLineTool.run(options, input: bytes + [0x0A]).output == expected.output)
    #expect(
      try CommandLineTool.run(options + ["--input", "-"], input: bytes).output == expected.output)
    let crlf = Array(texts.joined(separator: "\r\n").utf8)
    #expect(try CommandLineTool.run(options, input: crlf).output == expected.output)
  }
}
