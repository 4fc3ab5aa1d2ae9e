import CTKCore
import CTKTestSupport
import Foundation
import Testing

/// What a run of `ctk` left behind.
struct ToolRun {
  let status: Int32
  let output: String
  let errors: String

  /// The lines of standard output as JSON.
  var jsonLines: [JSONValue] {
    get throws {
      try output.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
    }
  }
}

/// The built `ctk` executable.
enum CommandLineTool {
  static let url = BuiltProduct.url("ctk")

  /// Runs `ctk` to its end.
  static func run(_ arguments: [String], input: [UInt8] = []) throws -> ToolRun {
    let scratch = TemporaryFolder()
    let process = try prepare(input: try scratch.write("input", input), scratch: scratch)
    process.executableURL = url
    process.arguments = arguments
    try process.run()
    return try finish(process, scratch)
  }

  /// Runs a shell script in which `"$CTK"` is the executable; `$1` and on are the arguments.
  static func shell(_ script: String, _ arguments: [String] = []) throws -> ToolRun {
    let scratch = TemporaryFolder()
    let process = try prepare(input: try scratch.write("input", []), scratch: scratch)
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", script, "bash"] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["CTK": url.path()]) { $1 }
    try process.run()
    return try finish(process, scratch)
  }

  /// Starts `ctk` with its output thrown away.
  static func start(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = url
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  private static func prepare(input: String, scratch: TemporaryFolder) throws -> Process {
    try scratch.write("output", [])
    try scratch.write("errors", [])
    let process = Process()
    process.standardInput = try FileHandle(forReadingFrom: URL(filePath: input))
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: scratch.file("output")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: scratch.file("errors")))
    return process
  }

  private static func finish(_ process: Process, _ scratch: TemporaryFolder) throws -> ToolRun {
    process.waitUntilExit()
    return ToolRun(
      status: process.terminationStatus,
      output: String(decoding: try readSmallFile(scratch.file("output")), as: UTF8.self),
      errors: String(decoding: try readSmallFile(scratch.file("errors")), as: UTF8.self))
  }
}
