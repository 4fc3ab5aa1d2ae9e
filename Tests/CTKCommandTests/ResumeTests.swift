import CTKCore
import CTKTestSupport
import Foundation
import Testing

/// A run killed at any moment ends with the bits of one that was not.
@Suite(.tags(.cli))
struct ResumeTests {
  private func arguments(_ bench: Workbench, _ run: String, epochs: Int = 12) -> [String] {
    ["finetune"] + bench.base + bench.task
      + ["--epochs", String(epochs), "--batch-size", "4", "--threads", "1"]
      + ["--output", bench.path(run)]
  }

  @Test func killedRunsResumeToTheSameBits() throws {
    let bench = try Workbench()
    let whole = try bench.json(arguments(bench, "whole"))
    let killed = Process()
    killed.executableURL = CommandLineTool.url
    killed.arguments = arguments(bench, "killed")
    killed.standardOutput = FileHandle.nullDevice
    killed.standardError = FileHandle.nullDevice
    try killed.run()
    while killed.isRunning && !Folder.fileExists(bench.path("killed/state.safetensors")) {
      usleep(200)
    }
    kill(killed.processIdentifier, SIGKILL)
    killed.waitUntilExit()
    let resumed = try bench.json(arguments(bench, "killed") + ["--resume"])
    #expect(resumed["fingerprint"] == whole["fingerprint"])
    #expect(resumed["metrics"] == whole["metrics"])
    #expect(resumed["steps"] == whole["steps"])
    let log = String(decoding: try bench.bytes("killed/log.jsonl"), as: UTF8.self)
    let steps = try log.split(separator: "\n").compactMap { line -> Int? in
      let event = try JSONParser.parse(Array(line.utf8))
      return event["event"] == "step" ? event["step"]?.intValue : nil
    }
    #expect(steps == Array(1...(whole["steps"]?.intValue ?? 0)))
  }

  @Test func finishedRunsAreOnlyRead() throws {
    let bench = try Workbench()
    let first = try bench.json(arguments(bench, "run", epochs: 1))
    let second = try bench.json(arguments(bench, "run", epochs: 1) + ["--resume"])
    #expect(second["fingerprint"] == first["fingerprint"])
    #expect(second["seconds"] == first["seconds"])
  }

  @Test func otherSettingsAreRefused() throws {
    let bench = try Workbench()
    _ = try bench.json(arguments(bench, "run", epochs: 1))
    let refused = try bench.failure(arguments(bench, "run", epochs: 2) + ["--resume"])
    #expect(refused.status == 65 && refused.code == "run.mismatch")
  }
}
