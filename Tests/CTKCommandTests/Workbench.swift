import CTKCore
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// A folder with an imported tiny base and a small custom task, and ctk run in it.
final class Workbench: Sendable {
  let folder = TemporaryFolder()

  init() throws {
    var train = "text\tlabel\n"
    var dev = "text\tlabel\n"
    let words = ["license", "class", "value"]
    for row in 0..<48 {
      let line = "the \(words[row % 3]) of this work \(words[(row / 3) % 3])\t\(words[row % 3])\n"
      if row % 4 == 3 { dev += line } else { train += line }
    }
    try folder.write("train.tsv", Array(train.utf8))
    try folder.write("dev.tsv", Array(dev.utf8))
    let imported = try ctk(
      "import", Fixtures.path("checkpoints/bert/pt-base"), "--tokenizer",
      Fixtures.path("checkpoints/bert/pt"), "--output", path("base"))
    #expect(imported.status == 0, "\(imported.errors)")
  }

  func path(_ name: String) -> String { folder.file(name) }

  var base: [String] { ["--base", path("base")] }

  var task: [String] {
    [
      "--task", "custom", "--train", path("train.tsv"), "--dev", path("dev.tsv"),
      "--max-length", "32",
    ]
  }

  var recipe: [String] { ["--epochs", "2", "--batch-size", "8", "--threads", "1"] }

  func ctk(_ arguments: String...) throws -> ToolRun { try CommandLineTool.run(arguments) }

  func ctk(_ arguments: [String]) throws -> ToolRun { try CommandLineTool.run(arguments) }

  /// Runs a command that must succeed and returns its JSON object.
  func json(_ arguments: [String]) throws -> JSONValue {
    let run = try ctk(arguments + ["--json"])
    #expect(run.status == 0, "\(arguments): \(run.output) \(run.errors)")
    return try #require(try run.jsonLines.last)
  }

  /// Runs a command that must fail and returns its status and error code.
  func failure(_ arguments: [String]) throws -> (status: Int32, code: String) {
    let run = try ctk(arguments + ["--json"])
    let error = try #require(try run.jsonLines.last?["error"])
    #expect(error["message"]?.stringValue?.isEmpty == false)
    return (run.status, error["code"]?.stringValue ?? "")
  }

  func bytes(_ name: String) throws -> [UInt8] { try readSmallFile(path(name)) }
}
