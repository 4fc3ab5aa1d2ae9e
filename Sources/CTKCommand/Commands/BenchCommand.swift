import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKModel
import CTKPatch
import CTKTensor
import CTKTuning

struct BenchCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the machine's ceilings, and the stages of training beside them.",
    discussion: """
      Operations and bytes are those that a stage cannot do without; its rate is shown beside \
      what the fastest matrix product or the fastest copy allow. Batches hold random tokens.

      Examples:
        ctk bench
        ctk bench --shape bert-base --lengths 64,128 --batch-sizes 16
        ctk bench --base base --mask mrpc.ctkmask --json
        ctk bench --lengths 32,128,512 --plot roofline.svg
      """)

  @Option(help: "Checkpoint to measure with, instead of drawn weights.")
  var base: String?

  @Option(help: "Shape of the drawn weights: minilm, bert-base or bert-large.")
  var shape = ModelShape.minilm.rawValue

  @Option(help: "Mask whose child trains; needs --base.")
  var mask: String?

  @Option(help: "Share of the encoder that trains, evenly spread; 1 trains every weight.")
  var keep = 0.1

  @Option(help: "Tokens of a sequence, one or several numbers with commas between them.")
  var lengths = "64"

  @Option(help: "Sequences of a batch, one or several numbers with commas between them.")
  var batchSizes = "16"

  @Option(help: "Timed runs of each stage; the median is told.")
  var rounds = 5

  @Option(help: "Draw the stages under the machine's roofline (SVG).")
  var plot: String?

  @OptionGroup var force: ForceOption
  @OptionGroup var memory: MemoryOptions
  @OptionGroup var output: OutputOptions
  @OptionGroup var computing: ComputeOptions

  func validate() throws {
    if mask != nil && base == nil { throw ValidationError("--mask needs --base") }
    if rounds < 1 { throw ValidationError("--rounds must be at least 1") }
  }

  func perform(_ reporter: Reporter) throws {
    if let plot { try OutputPath.require(freeFile: plot, force) }
    let shapes = try self.shapes()
    let subject = try self.subject()
    let compute = computing.compute
    let width = subject.network.configuration.hiddenSize
    let inner = subject.network.configuration.intermediateSize
    reporter.log("\(compute.kernels.variant) kernels; \(Compute.blasDescription)")
    let rows = shapes.map { $0.batchSize * $0.length }.max() ?? 0
    let ceilings = MachineCeilings.measure(
      shapes: [(rows, width, inner), (rows, inner, width), (rows, width, 3 * width)],
      rounds: rounds, compute: compute)
    let benchmark = StepBenchmark(
      network: subject.network, parameters: subject.parameters, plan: subject.plan,
      keeping: memory.activations, compute: compute)
    var results: [BenchText.Result] = []
    for (number, shape) in shapes.enumerated() {
      reporter.progress?(
        ProgressEvent(stage: "bench", completed: number, total: shapes.count, unit: "shapes"))
      results.append(
        BenchText.Result(shape: shape, stages: try benchmark.run(shape, rounds: rounds)))
    }
    let text = BenchText(ceilings: ceilings, results: results)
    if let plot { try PlotFile.write(RooflinePlot(text).drawing, to: plot, force) }
    var fields = text.json
    fields["threads"] = .integer(compute.threadCount)
    fields["precision"] = .string(compute.precision.rawValue)
    fields["kernels"] = .string(compute.kernels.variant)
    fields["blas"] = .string(Compute.blasDescription)
    fields["parameters"] = .integer(subject.network.layout.count)
    fields["trained"] = .integer(subject.plan.count)
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: "ctk-bench/1", fields, text: text.table)
  }

  private func subject() throws -> BenchSubject {
    guard keep > 0, keep <= 1 else {
      throw TuningError(.keepInvalid, "--keep is \(keep), it must be above 0 and at most 1")
    }
    if let base {
      return try BenchSubject(
        Checkpoint.open(base), mask: mask.map { try ParameterMask(path: $0) }, keep: keep)
    }
    guard let known = ModelShape(rawValue: shape) else {
      let names = ModelShape.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--shape must be one of \(names)")
    }
    return try BenchSubject(known, keep: keep)
  }

  /// Every batch size with every length.
  private func shapes() throws -> [StepBenchmark.Shape] {
    let lengths = try Self.numbers(lengths, "--lengths")
    return try Self.numbers(batchSizes, "--batch-sizes").flatMap { size in
      lengths.map { StepBenchmark.Shape(batchSize: size, length: $0) }
    }
  }

  private static func numbers(_ text: String, _ option: String) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      guard let number = Int(part), (1...65_536).contains(number) else {
        throw ValidationError("\(option) must list numbers of at least 1, such as 32,64")
      }
      return number
    }
  }
}
