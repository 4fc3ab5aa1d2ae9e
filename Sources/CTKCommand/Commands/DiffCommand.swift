import ArgumentParser
import CTKCheckpoint
import CTKCore
import CTKPatch

struct DiffCommand: ReportingCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compare two checkpoints, in whatever containers they are.",
    discussion: """
      Tensors are compared by their bits. Beside a config.json that ctk knows they go by \
      the names that an import would give them, so that HDF5 and safetensors files of one \
      model compare equal; otherwise by the names in the file.

      Examples:
        ctk diff base tuned
        ctk diff tf_model.h5 model.safetensors --exit-code
        ctk diff base tuned --json
      """)

  @Argument(help: "A checkpoint: folder or file.")
  var first: String

  @Argument(help: "Another one.")
  var second: String

  @Flag(help: "End with status 2 when they differ.")
  var exitCode = false

  @Flag(help: "Compare by the names in the files.")
  var storedNames = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var threads: ThreadOptions

  func perform(_ reporter: Reporter) throws {
    let sides = try open(reporter)
    let diff = try CheckpointComparer.compare(
      sides.first, sides.second, threadCount: threads.count, progress: reporter.progress)
    var fields = diff.json
    fields["not_compared"] = .array(sides.skipped.map { .string($0) })
    fields["seconds"] = .real(reporter.seconds)
    fields["peak_memory_bytes"] = .integer(PeakMemory.bytes)
    reporter.finish(schema: "ctk-diff/1", fields, text: DiffText.report(diff))
    if exitCode && !diff.isIdentical { throw ExitCode(ExitStatus.differs.rawValue) }
  }

  private typealias Sides = (
    first: any TensorSource, second: any TensorSource, skipped: [String]
  )

  /// Both under canonical names, or both under their own.
  private func open(_ reporter: Reporter) throws -> Sides {
    if storedNames { return try openAsStored() }
    do {
      let sides = try openCanonical()
      for name in sides.skipped { reporter.note("'\(name)' is no weight of the model") }
      return sides
    } catch let error as CheckpointError {
      guard Self.hasOtherNames.contains(error.code) else { throw error }
      reporter.note("compared by the names in the files: \(error.message)")
      return try openAsStored()
    }
  }

  private func openCanonical() throws -> Sides {
    let (left, right) = (try SourceCheckpoint(path: first), try SourceCheckpoint(path: second))
    let skipped = Set((left.plan.skipped + right.plan.skipped).map(\.name))
    return (left, right, skipped.sorted())
  }

  private func openAsStored() throws -> Sides {
    (try StoredTensors.open(first), try StoredTensors.open(second), [])
  }

  /// Why a source cannot be seen under canonical names, but can be read all the same.
  private static let hasOtherNames: Set<String> = [
    "checkpoint.architecture-unsupported", "checkpoint.config-missing", "config.unsupported",
    "config.invalid",
    "import.architecture-mismatch", "import.container-unsupported", "import.source-missing",
    "import.tensor-missing", "import.shape-mismatch", "import.dtype-unsupported",
    "import.conflict",
  ]
}
