public import CTKCore

/// What an import does with every source tensor and fills every target with.
///
/// Each source tensor is in exactly one of `used`, `aliases` and `skipped`.
public struct ImportPlan: Sendable {
  /// A source tensor that becomes a target.
  public struct Step: Sendable, Equatable {
    public let source: TensorInfo
    public let operation: TensorOperation
    /// Canonical name, written dtype and shape.
    public let target: TensorInfo
  }

  /// A source tensor that repeats one that is used.
  public struct Alias: Sendable, Equatable {
    public let source: TensorInfo
    public let operation: TensorOperation
    public let relation: AliasRelation
    /// The canonical name under which its values are stored.
    public let target: String
    /// The canonical name of the tensor itself; differs from `target` for tied weights.
    let ownTarget: TensorInfo
  }

  public struct Skipped: Sendable, Equatable {
    public let name: String
    public let reason: String
  }

  /// A target without a source, which is all zeros.
  public struct Filled: Sendable, Equatable {
    public let target: TensorInfo
    public let reason: String
  }

  public let architecture: Architecture
  public let layout: SourceLayout
  /// Sorted by target name.
  public let used: [Step]
  /// Sorted by source name.
  public let aliases: [Alias]
  /// Sorted by name.
  public let skipped: [Skipped]
  /// Sorted by target name.
  public let filled: [Filled]
  /// Targets that the configuration's model class has and the source lacks, sorted.
  public let missing: [String]
  /// Those of `missing` without which the encoder cannot run.
  let missingOfEncoder: [String]

  /// Sorted by name.
  public var targets: [TensorInfo] {
    (used.map(\.target) + filled.map(\.target)).sorted { utf8Precedes($0.name, $1.name) }
  }

  /// How many source tensors are skipped for each reason, the most frequent first.
  public var skippedCounts: [(reason: String, count: Int)] {
    let counts = skipped.reduce(into: [String: Int]()) { $0[$1.reason, default: 0] += 1 }
    return counts.map { (reason: $0.key, count: $0.value) }
      .sorted { ($1.count, $0.reason) < ($0.count, $1.reason) }
  }

  /// What follows from the plan alone, one sentence each.
  var findings: [String] {
    missingOfEncoder.map { "'\($0)' is missing, without which the encoder cannot run" }
  }

  /// The same plan with other steps and aliases.
  func replacing(used: [Step], aliases: [Alias]) -> ImportPlan {
    ImportPlan(
      architecture: architecture, layout: layout, used: used, aliases: aliases, skipped: skipped,
      filled: filled, missing: missing, missingOfEncoder: missingOfEncoder)
  }
}

/// How an alias came to be.
public enum AliasRelation: String, Sendable {
  /// The same tensor under two names.
  case duplicate
  /// A repetition that the source's writer is known to make.
  case copy
  /// Two roles that share weights by the model's definition.
  case tied
}

extension ImportPlan {
  /// Plans an import from names, shapes and the configuration alone.
  ///
  /// - Throws: `import.shape-mismatch`, `import.dtype-unsupported`, and `import.tensor-missing`
  ///   when the embeddings or a layer are missing as a whole, and for any tensor of them unless
  ///   `allowsMissing`.
  public init(
    tensors: [TensorInfo], configuration: SourceConfiguration, dtype: ImportDType = .keep,
    allowsMissing: Bool = false
  ) throws(CheckpointError) {
    let schema = ArchitectureSchema.of(configuration.model.architecture)
    var planner = ImportPlanner(schema: schema, configuration: configuration, dtype: dtype)
    self = try planner.plan(tensors)
    if !allowsMissing { try requireComplete(schema) }
  }

  private func requireComplete(_ schema: ArchitectureSchema) throws(CheckpointError) {
    let required = missing.filter { schema.requires($0) }
    guard let first = required.first else { return }
    let others = required.count == 1 ? "" : " and for \(required.count - 1) others"
    throw CheckpointError(
      .tensorMissing, "the source has no tensor for '\(first)'\(others)",
      hint: "check that the weights and config.json belong together")
  }
}
