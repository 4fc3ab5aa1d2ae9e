import ArgumentParser
import CTKTensor

/// How results, progress and errors are shown.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON object instead of text.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print nothing but the result and errors.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Log what is done to standard error.")
  var verbose = false

  @Flag(
    inversion: .prefixedNo,
    help: "Show progress (default: when standard error is a terminal).")
  var progress: Bool?

  init() {}
}

/// How many threads compute.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to compute with; 0 takes all cores.")
  var threads = 0

  /// nil for all cores.
  var count: Int? { threads == 0 ? nil : threads }

  init() {}

  func validate() throws {
    if threads < 0 || threads > 1024 {
      throw ValidationError("--threads must lie between 0 and 1024")
    }
  }
}

/// How a network is computed.
struct ComputeOptions: ParsableArguments {
  @OptionGroup var threads: ThreadOptions

  @Option(
    help: """
      Precision of matrix products, f32 or bf16: bf16 rounds their operands and sums in f32, \
      about 1.7 times as fast where the processor has AVX512_BF16.
      """)
  var precision = ProductPrecision.f32

  init() {}

  func validate() throws {
    if !precision.isSupported {
      throw ValidationError(
        "--precision \(precision.rawValue) needs a processor with AVX512_BF16")
    }
  }
}

extension ProductPrecision: ExpressibleByArgument {}

/// How much of a text is read.
struct LengthOption: ParsableArguments {
  @Option(help: "Longest input in tokens; longer texts are cut.")
  var maxLength = 128

  /// A pair's special tokens and a little of each text.
  private static let least = 8

  init() {}

  func validate() throws {
    if maxLength < Self.least {
      throw ValidationError("--max-length must be at least \(Self.least)")
    }
  }
}

/// Whether outputs may be replaced.
struct ForceOption: ParsableArguments {
  @Flag(help: "Replace an existing output.")
  var force = false

  init() {}
}
