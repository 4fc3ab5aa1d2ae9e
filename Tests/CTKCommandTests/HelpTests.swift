import CTKCore
import CTKTestSupport
import Testing

@Suite("Help", .tags(.cli))
struct HelpTests {
  /// Every command, as the tool describes itself.
  static func commands() throws -> [[String]] {
    let run = try CommandLineTool.run(["--experimental-dump-help"])
    let root = try #require(try JSONParser.parse(Array(run.output.utf8))["command"])
    var found: [[String]] = []
    func collect(_ command: JSONValue, _ path: [String]) throws {
      found.append(path)
      for child in command["subcommands"]?.arrayValue ?? [] {
        let name = try #require(child["commandName"]?.stringValue)
        if name != "help" { try collect(child, path + [name]) }
      }
    }
    try collect(root, [])
    return found
  }

  @Test("Every command has help with an example")
  func everyCommand() throws {
    let commands = try Self.commands()
    #expect(commands.contains(["tokenize"]))
    for command in commands {
      let run = try CommandLineTool.run(command + ["--help"])
      #expect(run.status == 0, "\(command)")
      #expect(run.errors.isEmpty, "\(command)")
      #expect(run.output.contains("USAGE: ctk"), "\(command)")
      #expect(run.output.contains("Example"), "\(command)")
      // The argument parser wraps everything but the usage.
      let wrapped = run.output.split(separator: "\n").filter { !$0.hasPrefix("USAGE: ") }
      #expect(wrapped.allSatisfy { $0.count <= 80 }, "\(command)")
    }
  }

  @Test("Every command but the root has the common options")
  func commonOptions() throws {
    for command in try Self.commands() where !command.isEmpty {
      let help = try CommandLineTool.run(command + ["--help"]).output
      for option in ["--json", "--threads", "--quiet", "--verbose", "--progress"] {
        #expect(help.contains(option), "\(command)")
      }
    }
  }

  @Test func version() throws {
    let run = try CommandLineTool.run(["--version"])
    #expect(run.status == 0)
    #expect(run.output.wholeMatch(of: /ctk \d+\.\d+\.\d+\n/) != nil)
  }

  @Test("Without a command the help is shown")
  func noCommand() throws {
    let run = try CommandLineTool.run([])
    #expect(run.status == 0)
    #expect(run.output.contains("SUBCOMMANDS"))
  }
}
