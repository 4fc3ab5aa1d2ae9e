import CTKCore
import CTKSafetensors
import CTKTestSupport
import Foundation
import Testing

/// Control-C and kills in the middle of long operations.
@Suite(.tags(.cli))
struct InterruptionTests {
  /// One epoch of many steps, saved after each.
  private func arguments(_ bench: Workbench, _ run: String) -> [String] {
    ["finetune"] + bench.base + bench.task
      + ["--epochs", "1", "--batch-size", "1", "--threads", "1", "--save-interval", "0"]
      + ["--output", bench.path(run)]
  }

  /// Runs until the first state within the epoch is saved, then sends the signal.
  ///
  /// - Returns: how the process ended, or nil when it was done too soon.
  private func interrupt(_ bench: Workbench, _ run: String, _ signal: Int32) throws -> Int32? {
    let process = try CommandLineTool.start(arguments(bench, run))
    while process.isRunning && !Folder.fileExists(bench.path("\(run)/state.safetensors")) {
      usleep(100)
    }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    return Folder.fileExists(bench.path("\(run)/metrics.json")) ? nil : process.terminationStatus
  }

  @Test("A run stopped within an epoch resumes to the same bits", arguments: [SIGKILL, SIGINT])
  func withinAnEpoch(_ signal: Int32) throws {
    let bench = try Workbench()
    let whole = try bench.json(arguments(bench, "whole"))
    var status: Int32?
    for attempt in 0..<10 where status == nil {
      Folder.removeTree(bench.path("cut"))
      status = try interrupt(bench, "cut", signal)
      #expect(attempt < 9 || status != nil, "the run always ended before the signal")
    }
    #expect(status == (signal == SIGINT ? 130 : signal))
    let state = try SafetensorsFile(path: bench.path("cut/state.safetensors"))
    let step = try #require(state.metadata["step"].flatMap { Int($0) })
    #expect(step > 0 && step < whole["steps"]?.intValue ?? 0)
    let resumed = try bench.json(arguments(bench, "cut") + ["--resume"])
    #expect(resumed["fingerprint"] == whole["fingerprint"])
    #expect(resumed["metrics"] == whole["metrics"])
    let log = String(decoding: try bench.bytes("cut/log.jsonl"), as: UTF8.self)
    let steps = try log.split(separator: "\n").compactMap { line -> Int? in
      let event = try JSONParser.parse(Array(line.utf8))
      return event["event"] == "step" ? event["step"]?.intValue : nil
    }
    #expect(steps == Array(1...(whole["steps"]?.intValue ?? 0)))
  }

  /// An import of a sparse file large enough to be caught in the act.
  @Test(arguments: [SIGINT, SIGTERM])
  func anImportLeavesNothing(_ signal: Int32) throws {
    let folder = TemporaryFolder()
    let source = try largeSource(in: folder)
    defer { Folder.removeTree(source) }
    let process = try CommandLineTool.start(["import", source, "--output", folder.file("base")])
    while process.isRunning && !folder.names.contains(where: { $0.contains(".partial-") }) {
      usleep(100)
    }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 128 + signal)
    #expect(folder.names == ["large"])
  }

  /// The tiny reference model with a word embedding of a million rows of zeros.
  private func largeSource(in folder: TemporaryFolder) throws -> String {
    let small = Fixtures.path("checkpoints/bert/pt-base")
    let source = folder.file("large")
    try Folder.create(source)
    var configuration =
      try JSONParser.parseFile(small + "/config.json").objectValue ?? JSONObject()
    configuration["vocab_size"] = 1_000_000
    try folder.write(
      "large/config.json", Array(JSONValue.object(configuration).compactText.utf8))
    let model = try SafetensorsFile(path: small + "/model.safetensors")
    let words = "embeddings.word_embeddings.weight"
    var header = JSONObject()
    var end = 0
    for info in model.tensors {
      let shape = info.name == words ? [1_000_000, info.shape[1]] : info.shape
      let bytes = 4 * shape.reduce(1, *)
      header[info.name] = [
        "dtype": "F32", "shape": .array(shape.map { .integer($0) }),
        "data_offsets": [.integer(end), .integer(end + bytes)],
      ]
      end += bytes
    }
    let text = Array(JSONValue.object(header).compactText.utf8)
    let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
    let path = try folder.write("large/model.safetensors", length + text)
    #expect(truncate(path, off_t(8 + text.count + end)) == 0)
    return source
  }
}
