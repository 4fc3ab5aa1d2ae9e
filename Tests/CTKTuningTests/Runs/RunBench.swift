import CTKCheckpoint
import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

/// A tiny base with a small task, and runs on it inside a folder of their own.
struct RunBench {
  let folder = TemporaryFolder()
  private let masks = TemporaryFolder()
  let checkpoint: Checkpoint
  let data: TaskData
  var options = FinetuneOptions()
  var labels: LabelSpace
  var metrics: [Metric] = [.accuracy, .macroF1]

  /// - Parameter base: folder of a model among the fixtures' checkpoints, or a path.
  init(base: String = Fixtures.path("checkpoints/bert/pt")) throws {
    checkpoint = try Checkpoint.open(base)
    let words = ["license", "class", "value"]
    let examples = (0..<24).map { row in
      Example(
        text: "the \(words[row % 3]) of this work \(words[row / 3 % 3])", pair: nil,
        label: .classID(row % 3))
    }
    labels = .classes(words)
    data = TaskData(
      train: Array(examples[..<18]), dev: Array(examples[18...]), labels: labels, skippedRows: 0)
    options.epochs = 2
    options.batchSize = 4
    options.maxLength = 16
  }

  var run: RunFolder { RunFolder(path: folder.file("run")) }

  func manifest(mask: ParameterMask? = nil) throws -> RunManifest {
    RunManifest(
      task: "custom", basePath: checkpoint.path, baseFingerprint: try checkpoint.fingerprint(),
      options: options.json, dataDigest: data.digest, labels: labels, metrics: metrics,
      mask: mask?.digest, compute: Compute(threadCount: 1))
  }

  /// Runs to the end, or to what `session` makes of it.
  func train(
    _ session: FinetuneSession = FinetuneSession(), mask: ParameterMask? = nil,
    resumes: Bool = false, replaces: Bool = false
  ) throws -> RunResult {
    let data = TaskData(train: data.train, dev: data.dev, labels: labels, skippedRows: 0)
    return try FinetuneJob(
      folder: run, base: TaskBase(checkpoint), data: data, options: options,
      manifest: try manifest(mask: mask), mask: try mask.map { try file(of: $0) },
      compute: Compute(threadCount: 1), session: session
    ).run(resumes: resumes, replacesExisting: replaces)
  }

  /// The file of the mask that a run was given.
  var givenMask: String { masks.file("given.ctkmask") }

  /// Small blocks make it a file that no run would write of its own accord.
  private func file(of mask: ParameterMask) throws -> MaskFile {
    try mask.write(to: givenMask, replacesExisting: true, blockShift: 12)
    return try MaskFile(path: givenMask)
  }

  /// The code of the failure that a run ends with.
  func refusal(
    _ session: FinetuneSession = FinetuneSession(), mask: ParameterMask? = nil,
    resumes: Bool = false, replaces: Bool = false
  ) -> String? {
    do {
      _ = try train(session, mask: mask, resumes: resumes, replaces: replaces)
      return nil
    } catch {
      return (error as? any Diagnosable)?.code ?? "\(error)"
    }
  }

  /// A session that is asked to stop after a number of steps.
  static func stopping(after steps: Int) -> FinetuneSession {
    var session = FinetuneSession()
    let counter = StepCounter()
    session.onEvent = { if $0["event"] == "step" { counter.steps += 1 } }
    session.shouldStop = { counter.steps >= steps }
    return session
  }

  /// Writes the saved state again with changes.
  func rewriteState(metadata: [String: String] = [:], without dropped: String? = nil) throws {
    let file = try SafetensorsFile(path: run.state)
    let kept = file.tensors.filter { $0.name != dropped }
    var writer = try SafetensorsWriter(
      path: run.state, tensors: kept,
      metadata: file.metadata.merging(metadata) { $1 }, replacesExisting: true)
    for info in writer.order {
      try file.withTensorBytes(info.name) { try writer.write($0) }
    }
    try writer.commit()
  }
}

private final class StepCounter {
  var steps = 0
}
