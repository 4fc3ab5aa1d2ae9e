public import CTKCore
import CTKSafetensors
import CTKTensorBundle
import CTKTorch

/// The tensors of a checkpoint in any container, under their own names and as they are stored.
public struct SourceTensors: TensorSource {
  /// Oddities that do not make the source unreadable, one sentence each.
  public let findings: [String]
  /// The description of the model that the container itself holds.
  let configuration: JSONValue?
  private let base: any TensorSource

  init(
    _ base: any TensorSource, findings: [String], configuration: JSONValue? = nil
  ) {
    self.base = base
    self.findings = findings
    self.configuration = configuration
  }

  /// Opens a folder or a file; see `docs/guides/import.md`.
  ///
  /// - Throws: the `import.*` codes of finding the weights, and the codes of the container.
  public init(path: String) throws(CheckpointError) {
    self = try Self.open(try SourceFile.locate(path))
  }

  /// Whether a path means a checkpoint that is not a safetensors file or folder, by its name and
  /// its first bytes.
  ///
  /// - Throws: the codes of reading a file.
  public static func isForeign(_ path: String) throws(CheckpointError) -> Bool {
    if Folder.exists(path) { return false }
    if TensorBundle.exists(path) { return true }
    guard Folder.fileExists(path), let container = try SourceFile.container(of: path) else {
      return false
    }
    return container != .safetensors
  }

  public var tensors: [TensorInfo] { base.tensors }

  public func info(of name: String) -> TensorInfo? { base.info(of: name) }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try base.withTensorBytes(name, body)
  }

  public func discard(_ name: String, _ part: Range<Int>? = nil) { base.discard(name, part) }

  /// - Throws: the codes of the container.
  static func open(_ file: SourceFile) throws(CheckpointError) -> SourceTensors {
    switch file.container {
    case .safetensors: try openSafetensors(file.path)
    case .hdf5:
      file.path.hasSuffix(SourceFile.hdf5IndexSuffix)
        ? try ShardedTensors.open(index: file.path, tensorName: KerasFiles.variableName) {
          (path) throws(CheckpointError) in
          try KerasFiles.open(path)
        }
        : try KerasFiles.openFiles(file.path)
    case .kerasArchive: try KerasFiles.openArchive(file.path)
    case .kerasPreset: try KerasFiles.openPreset(file.path)
    case .torch:
      file.path.hasSuffix(SourceFile.torchIndexSuffix)
        ? try ShardedTensors.open(index: file.path) { (path) throws(CheckpointError) in
          try openTorch(path)
        }
        : try openTorch(file.path)
    case .tensorBundle: try openTensorBundle(file.path)
    }
  }

  private static func openSafetensors(_ path: String) throws(CheckpointError) -> SourceTensors {
    let checkpoint = try CheckpointError.wrap { () throws(SafetensorsError) in
      try SafetensorsCheckpoint(path: path)
    }
    return SourceTensors(checkpoint, findings: checkpoint.findings)
  }

  private static func openTorch(_ path: String) throws(CheckpointError) -> SourceTensors {
    let file = try CheckpointError.wrap { () throws(TorchError) in try TorchFile(path: path) }
    return SourceTensors(file, findings: file.findings)
  }

  private static func openTensorBundle(_ path: String) throws(CheckpointError) -> SourceTensors {
    let bundle = try CheckpointError.wrap { () throws(TensorBundleError) in
      try TensorBundle(path: path)
    }
    return SourceTensors(bundle, findings: bundle.findings)
  }
}
