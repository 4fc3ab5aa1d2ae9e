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
  /// Whether a new output is waited for until it is on the disk.
  ///
  /// An output that replaces another, and a model changed in place, always are.
  public var isDurable: Bool
  /// Threads to use; nil for all processors.
  public var threadCount: Int?
  /// Masks that the patches may take their positions from.
  public var masks: [ParameterMask] = []
  /// Called between the steps of a change in place; tests end the process there.
  package var onStep: (@Sendable () -> Void)?

  public init(
    replacesExisting: Bool = false, replacesDifferingFiles: Bool = false,
    isDurable: Bool = false, threadCount: Int? = nil
  ) {
    self.replacesExisting = replacesExisting
    self.replacesDifferingFiles = replacesDifferingFiles
    self.isDurable = isDurable
    self.threadCount = threadCount
  }
}

/// Where the result of applying or reverting goes.
public enum ApplyDestination: Sendable {
  /// A new folder, or a new file for a single safetensors file.
  case output(String)
  /// The model itself: only pages that change are written, by way of a journal,
  /// so that a process killed at any moment leaves the old or the new model.
  case inPlace
  /// Nowhere: everything is made and checked, and nothing written.
  case dryRun
}

/// Turns checkpoints into others with patches, as transactions.
///
/// A folder becomes a folder with the same shards, and a single safetensors
/// file becomes a file, to which the patches' small files do not apply. The
/// result appears only when every digest was found right. Work is done in tiles
/// on all processors; peak memory does not depend on the size of tensors.
public enum PatchApplier {
  /// Applies a chain of patches, in order.
  ///
  /// - Throws: `patch.wrong-base`, `patch.already-applied`, `patch.partly-applied`,
  ///   `patch.chain-broken`, `patch.file-differs`, `patch.wrong-result`,
  ///   `patch.damaged`, `patch.busy`, `output.*`, and the codes of
  ///   `SafetensorsCheckpoint`.
  public static func apply(
    base: String, patches: [String], to destination: ApplyDestination,
    options: ApplyOptions = ApplyOptions(), progress: ProgressHandler? = nil
  ) throws(PatchError) -> ApplySummary {
    try run(
      base, try PatchChain(try open(patches, options.masks), direction: .apply), destination,
      options,
      progress)
  }

  public static func apply(
    base: String, patches: [String], output: String, options: ApplyOptions = ApplyOptions(),
    progress: ProgressHandler? = nil
  ) throws(PatchError) -> ApplySummary {
    try apply(
      base: base, patches: patches, to: .output(output), options: options, progress: progress)
  }

  /// Reverts a chain of patches; `patches` are in the order they were applied.
  ///
  /// - Throws: as `apply`, with `patch.wrong-target` and `patch.not-applied`.
  public static func revert(
    model: String, patches: [String], to destination: ApplyDestination,
    options: ApplyOptions = ApplyOptions(), progress: ProgressHandler? = nil
  ) throws(PatchError) -> ApplySummary {
    try run(
      model, try PatchChain(try open(patches, options.masks), direction: .revert), destination,
      options,
      progress)
  }

  public static func revert(
    model: String, patches: [String], output: String, options: ApplyOptions = ApplyOptions(),
    progress: ProgressHandler? = nil
  ) throws(PatchError) -> ApplySummary {
    try revert(
      model: model, patches: patches, to: .output(output), options: options, progress: progress)
  }

  /// Turns the target of one patch into that of another of the same base, without
  /// writing the base in between.
  ///
  /// - Throws: as `revert`; `patch.chain-broken` for patches of different bases,
  ///   `patch.not-applied` on the base itself.
  public static func replace(
    model: String, patch old: String, by new: String, to destination: ApplyDestination,
    options: ApplyOptions = ApplyOptions(), progress: ProgressHandler? = nil
  ) throws(PatchError) -> ApplySummary {
    let files = try open([old, new], options.masks)
    return try run(
      model, try PatchChain(from: files[0], to: files[1]), destination, options, progress)
  }
}

// MARK: Running

extension PatchApplier {
  private static func run(
    _ model: String, _ chain: PatchChain, _ destination: ApplyDestination,
    _ options: ApplyOptions, _ progress: ProgressHandler?
  ) throws(PatchError) -> ApplySummary {
    switch destination {
    case .output(let output):
      try requireOther(output, than: model)
      let job = try job(model, chain, options, progress)
      let isFolder = Folder.exists(model)
      return isFolder || model.hasSuffix(".json")
        ? try job.writeFolder(output, from: isFolder ? model : Output.parentFolder(of: model))
        : try job.writeFile(output)
    case .inPlace:
      return try runInPlace(
        InPlaceModel(path: model, onStep: options.onStep ?? {}), chain, options, progress)
    case .dryRun:
      return try job(model, chain, options, progress).checkOnly(model)
    }
  }

  /// Finishes a change that was interrupted, and makes this one if it is another.
  private static func runInPlace(
    _ model: borrowing InPlaceModel, _ chain: PatchChain, _ options: ApplyOptions,
    _ progress: ProgressHandler?
  ) throws(PatchError) -> ApplySummary {
    if model.hasJournal {
      let change = try model.finishChange(checking: Workers(threadCount: options.threadCount))
      if change.isChange(of: chain) {
        return ApplySummary(
          fingerprint: change.result, tensorCount: try open(model.path).tensors.count,
          touched: chain.touchedNames, files: change.smallFiles)
      }
    }
    return try InPlaceJob(job(model.path, chain, options, progress), on: model).run(on: model)
  }

  private static func job(
    _ model: String, _ chain: PatchChain, _ options: ApplyOptions, _ progress: ProgressHandler?
  ) throws(PatchError) -> PatchJob {
    let checkpoint = try open(model)
    let workers = Workers(threadCount: options.threadCount)
    return PatchJob(
      runner: RouteRunner(
        chain: chain, source: checkpoint, workers: workers, progress: progress),
      checkpoint: checkpoint, routes: try chain.routes(for: checkpoint, workers),
      options: options)
  }

  private static func open(
    _ patches: [String], _ masks: [ParameterMask]
  ) throws(PatchError) -> [PatchFile] {
    var files: [PatchFile] = []
    for path in patches {
      let file = try PatchFile(path: path, masks: masks)
      try file.verifyPayload()
      files.append(file)
    }
    return files
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
