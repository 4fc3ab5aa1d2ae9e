public import CTKCore

/// A checkpoint in any container and naming, seen under canonical names.
///
/// Tensors are converted when they are asked for, one at a time.
public struct SourceCheckpoint: TensorSource {
  public let configuration: SourceConfiguration
  public let plan: ImportPlan
  /// Everything odd that was met while opening, one sentence each.
  public let findings: [String]

  let file: SourceFile
  private let source: SourceTensors
  private let stepOfTarget: [String: ImportPlan.Step]
  private let filledTargets: [String: TensorInfo]

  /// Opens a source, plans its import and, unless it is a dry run, compares what is stored twice.
  ///
  /// - Parameters:
  ///   - path: a folder or a file; see `docs/guides/import.md`.
  ///   - options: the configuration file, the architecture and the dtype are used.
  /// - Throws: the `import.*` and `checkpoint.*` codes, those of the container, and `config.*`.
  public init(path: String, options: ImportOptions = ImportOptions()) throws(CheckpointError) {
    let file = try SourceFile.locate(path)
    let source = try Self.openForImport(file)
    let configuration = try SourceConfiguration.read(
      options.configurationPath, beside: file.folder, embedded: source.configuration,
      architecture: options.architecture, tensorNames: source.tensors.map(\.name))
    do {
      let plan = try ImportPlan(
        tensors: source.tensors, configuration: configuration, dtype: options.dtype,
        allowsMissing: !options.isStrict)
      let (resolved, differences) =
        options.isDryRun
        ? (plan, plan.uncomparedAliases) : try plan.resolvingAliases(in: source)
      self.init(
        file: file, source: source, configuration: configuration, plan: resolved,
        findings: source.findings + configuration.findings + differences + resolved.findings)
    } catch {
      throw error.at(file.path)
    }
  }

  /// The source's tensors, one for each tensor of the model.
  private static func openForImport(_ file: SourceFile) throws(CheckpointError) -> SourceTensors {
    let source = try SourceTensors.open(file)
    do {
      try ForeignModel.refuse(source.tensors.lazy.map(\.name))
      let unstacked = try CheckpointError.wrap { () throws(CoreError) in
        try UnstackedTensors(source)
      }
      guard let unstacked else { return source }
      return SourceTensors(
        unstacked, findings: source.findings, configuration: source.configuration)
    } catch {
      throw error.at(file.path)
    }
  }

  private init(
    file: SourceFile, source: SourceTensors, configuration: SourceConfiguration, plan: ImportPlan,
    findings: [String]
  ) {
    self.file = file
    self.source = source
    self.configuration = configuration
    self.plan = plan
    self.findings = findings
    stepOfTarget = Dictionary(
      plan.used.map { ($0.target.name, $0) }, uniquingKeysWith: { first, _ in first })
    filledTargets = Dictionary(
      plan.filled.map { ($0.target.name, $0.target) }, uniquingKeysWith: { first, _ in first })
  }

  public var tensors: [TensorInfo] { plan.targets }

  public func info(of name: String) -> TensorInfo? {
    stepOfTarget[name]?.target ?? filledTargets[name]
  }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    try withConversion(of: name) { result in try body(result.bytes) }
  }

  /// A converted tensor, lent for the time of a call.
  struct Conversion {
    let bytes: UnsafeRawBufferPointer
    /// The source's own bytes.
    let sourceBytes: UnsafeRawBufferPointer
    let source: TensorInfo
    let target: TensorInfo
    /// Finite values that the cast turned into infinities.
    let overflowCount: Int
  }

  /// As `withTensorBytes`, with what became of the source's values.
  func withConversion<Result>(
    of name: String, _ body: (Conversion) throws -> Result
  ) throws -> Result {
    if let target = filledTargets[name] { return try withZeros(target, body) }
    guard let step = stepOfTarget[name] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'", path: file.path)
    }
    return try source.withTensorBytes(step.source.name) { sourceBytes in
      try TensorConversion(step).withResult(of: sourceBytes) { bytes, overflowCount in
        try body(
          Conversion(
            bytes: bytes, sourceBytes: sourceBytes, source: step.source, target: step.target,
            overflowCount: overflowCount))
      }
    }
  }

  private func withZeros<Result>(
    _ target: TensorInfo, _ body: (Conversion) throws -> Result
  ) rethrows -> Result {
    let zeros = ScratchBuffer(byteCount: target.byteCount)
    zeros.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let bytes = UnsafeRawBufferPointer(zeros.bytes)
    return try body(
      Conversion(
        bytes: bytes, sourceBytes: bytes, source: target, target: target, overflowCount: 0))
  }

  public func discard(_ name: String, _ part: Range<Int>? = nil) {
    guard let step = stepOfTarget[name] else { return }
    // A converted tensor's bytes are not the source's.
    let isLent = step.source.byteCount == step.target.byteCount
    source.discard(step.source.name, isLent ? part : nil)
  }
}
