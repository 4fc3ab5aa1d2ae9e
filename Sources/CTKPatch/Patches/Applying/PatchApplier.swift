public import CTKCore
import CTKSafetensors

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What applying or reverting made.
public struct ApplySummary: Sendable {
  /// Fingerprint of the result.
  public let fingerprint: Digest
  /// Tensors of the result.
  public let tensorCount: Int
  /// Names of the tensors that the patches touched.
  public let touched: [String]
  /// Names of the small files that were replaced, added or removed.
  public let files: [String]
}

/// Choices in applying and reverting.
public struct ApplyOptions: Sendable {
  /// Whether an existing output may be replaced.
  public var replacesExisting: Bool
  /// Whether a small file that the patch replaces may differ from the one it
  /// was made from.
  public var replacesDifferingFiles: Bool

  public init(replacesExisting: Bool = false, replacesDifferingFiles: Bool = false) {
    self.replacesExisting = replacesExisting
    self.replacesDifferingFiles = replacesDifferingFiles
  }
}

/// Turns checkpoints into others with patches, as transactions.
///
/// A folder becomes a folder with the same shards, and a single safetensors
/// file becomes a file, to which the patches' small files do not apply. The
/// output appears only when every digest was found right.
public enum PatchApplier {
  /// Applies a chain of patches, in order.
  ///
  /// Peak memory is about the largest touched tensor.
  ///
  /// - Throws: `patch.wrong-base`, `patch.already-applied`, `patch.partly-applied`,
  ///   `patch.chain-broken`, `patch.file-differs`, `patch.wrong-result`,
  ///   `patch.damaged`, `output.*`, and the codes of `SafetensorsCheckpoint`.
  public static func apply(
    base: String, patches: [String], output: String, options: ApplyOptions = ApplyOptions(),
    progress: ProgressHandler? = nil
  ) throws(PatchError) -> ApplySummary {
    try run(base, patches, .apply, output: output, options: options, progress: progress)
  }

  /// Reverts a chain of patches; `patches` are in the order they were applied.
  ///
  /// - Throws: as `apply`, with `patch.wrong-target` and `patch.not-applied`.
  public static func revert(
    model: String, patches: [String], output: String, options: ApplyOptions = ApplyOptions(),
    progress: ProgressHandler? = nil
  ) throws(PatchError) -> ApplySummary {
    try run(model, patches, .revert, output: output, options: options, progress: progress)
  }

  private static func run(
    _ input: String, _ patches: [String], _ direction: PatchDirection, output: String,
    options: ApplyOptions, progress: ProgressHandler?
  ) throws(PatchError) -> ApplySummary {
    try requireOther(output, than: input)
    var files: [PatchFile] = []
    for path in patches {
      let file = try PatchFile(path: path)
      try file.verifyPayload()
      files.append(file)
    }
    let chain = try PatchChain(files, direction: direction)
    let checkpoint = try open(input)
    let job = PatchJob(
      chain: chain, checkpoint: checkpoint, plans: try chain.plan(for: checkpoint),
      options: options, progress: progress)
    return Folder.exists(input) || input.hasSuffix(".json")
      ? try job.writeFolder(
        output, from: Folder.exists(input) ? input : Output.parentFolder(of: input))
      : try job.writeFile(output)
  }

  private static func open(_ path: String) throws(PatchError) -> SafetensorsCheckpoint {
    do {
      return try SafetensorsCheckpoint(path: path)
    } catch {
      throw PatchError(wrapping: error)
    }
  }

  /// Replacing the input's folder would lose what is not carried over.
  private static func requireOther(_ output: String, than input: String) throws(PatchError) {
    guard let first = canonical(output), let second = canonical(input), first == second else {
      return
    }
    throw PatchError(
      wrapping: CoreError(
        .outputExists, "the output is the input", path: output, hint: "give another output"))
  }

  private static func canonical(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
