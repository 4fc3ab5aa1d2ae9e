import CTKCore
import CTKTestSupport
import Foundation
import Testing

/// Standard output that cannot take the result, and lines that carry their schema.
@Suite(.tags(.cli, .hostile))
struct StandardStreamTests {
  private static let base = Fixtures.path("checkpoints/bert/pt")

  private static let commands: [[String]] = [
    ["inspect", base], ["inspect", base, "--json"], ["tokenize", "--base", base, "a text"],
    ["predict", "--base", base, "a text"], ["--help"], ["--version"], ["mask"],
    ["inspect", base + "/gone", "--json"],
  ]

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")), arguments: commands)
  func aFullOutputIsAnError(_ command: [String]) throws {
    let run = try CommandLineTool.shell(#""$CTK" "$@" > /dev/full"#, command)
    // Without a result on standard output the command's own status stays.
    let isUsage = command == ["mask"]
    #expect(run.status == (isUsage ? 64 : 74), "\(run.errors)")
    if !isUsage { #expect(run.errors.contains("[output.disk-full]"), "\(run.errors)") }
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func aFullErrorStreamIsNone() throws {
    let run = try CommandLineTool.shell(
      #""$CTK" "$@" 2> /dev/full"#, ["inspect", Self.base, "--progress"])
    #expect(run.status == 0)
    let failed = try CommandLineTool.shell(#""$CTK" inspect /gone 2> /dev/full"#)
    #expect(failed.status == 66)
  }

  /// A reader that has enough, such as `head`, ends the command without a word.
  @Test func aClosedPipeEndsQuietly() throws {
    let folder = TemporaryFolder()
    let line = String(repeating: "the license of this work ", count: 8)
    let text = try folder.write(
      "texts", Array(String(repeating: line + "\n", count: 3000).utf8))
    let run = try CommandLineTool.shell(
      #""$CTK" "$@" | head -c 1; exit ${PIPESTATUS[0]}"#,
      ["tokenize", "--base", Self.base, "--input", text])
    #expect(run.status == 74)
    #expect(run.output == "{")
    #expect(run.errors.isEmpty)
  }

  @Test(arguments: ["predict", "tokenize"])
  func linesNameTheirSchemaOnlyUnderJSON(_ command: String) throws {
    let plain = try CommandLineTool.run([command, "--base", Self.base, "one", "two"])
    let named = try CommandLineTool.run([command, "--base", Self.base, "one", "two", "--json"])
    #expect(try plain.jsonLines.count == 2)
    for (line, other) in zip(try plain.jsonLines, try named.jsonLines) {
      var fields = try #require(other.objectValue)
      #expect(fields["schema"]?.stringValue == "ctk-\(command)/1")
      fields["schema"] = nil
      #expect(line.objectValue?.keys.sorted() == fields.keys.sorted())
      #expect(line["schema"] == nil)
    }
  }

  @Test(arguments: [
    ["tokenize", "--base", base, "a", "--max-length", "0"],
    ["tokenize", "--base", base, "a", "--max-length=-3"],
    ["predict", "--base", base, "a", "--max-length", "0"],
    ["evaluate", "--base", base, "--task", "rte", "--data", "d", "--max-length", "7"],
    [
      "mask", "--base", base, "--task", "rte", "--data", "d", "--output", "o", "--max-length=-1",
    ],
    [
      "finetune", "--base", base, "--task", "rte", "--data", "d", "--output", "o", "--max-length",
      "0",
    ],
  ])
  func lengthsThatHoldNothingAreUsageErrors(_ command: [String]) throws {
    let run = try CommandLineTool.run(command)
    #expect(run.status == 64)
    #expect(run.errors.contains("--max-length must be at least"))
  }
}
