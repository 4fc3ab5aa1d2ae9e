public import CTKCore

/// What an import did; `formats/import-report.md` defines its JSON form.
public struct ImportReport: Sendable {
  /// The name and version of the JSON form.
  public static let schema = "ctk.import-report/1"

  /// Values that a cast turned into infinities.
  public struct Overflow: Sendable, Equatable {
    public let target: String
    public let count: Int
  }

  /// NaN and infinite values of a source tensor, with the first one's position.
  public struct NotFinite: Sendable, Equatable {
    public let source: String
    public let target: String
    public let nan: Int
    public let infinite: Int
    public let firstIndex: Int
  }

  public let plan: ImportPlan
  /// Fingerprint of the written weights; nil when nothing was written.
  public let fingerprint: Digest?
  /// Tensors with values that became infinite, sorted by name.
  public let overflows: [Overflow]
  /// Tensors with NaN or infinite values, sorted by name; empty unless such are allowed.
  public let notFinite: [NotFinite]
  /// Names of the tokenizer files taken over, sorted.
  public let tokenizerFiles: [String]
  public let findings: [String]

  /// The report with the fields of `formats/import-report.md`.
  public var json: JSONValue {
    [
      "schema": .string(Self.schema),
      "fingerprint": fingerprint.map { .string($0.hex) } ?? .null,
      "architecture": .string(plan.architecture.rawValue),
      "layout": .string(plan.layout.rawValue),
      "tensors": .integer(plan.targets.count),
      "used": .array(plan.used.map(Self.json)),
      "aliases": .array(plan.aliases.map(Self.json)),
      "skipped": .array(
        plan.skipped.map { ["name": .string($0.name), "reason": .string($0.reason)] }),
      "skipped_by_reason": .object(
        plan.skippedCounts.reduce(into: JSONObject()) { $0[$1.reason] = .integer($1.count) }),
      "filled": .array(plan.filled.map(Self.json)),
      "missing": .array(plan.missing.map { .string($0) }),
      "overflows": .array(
        overflows.map { ["target": .string($0.target), "count": .integer($0.count)] }),
      "not_finite": .array(notFinite.map(Self.json)),
      "tokenizer": .array(tokenizerFiles.map { .string($0) }),
      "findings": .array(findings.map { .string($0) }),
    ]
  }

  private static func json(_ step: ImportPlan.Step) -> JSONValue {
    [
      "source": .string(step.source.name),
      "target": .string(step.target.name),
      "operation": .string(step.operation.rawValue),
      "source_dtype": .string(step.source.dtype.rawValue),
      "dtype": .string(step.target.dtype.rawValue),
      "shape": .array(step.target.shape.map { .integer($0) }),
    ]
  }

  private static func json(_ filled: ImportPlan.Filled) -> JSONValue {
    [
      "target": .string(filled.target.name), "dtype": .string(filled.target.dtype.rawValue),
      "shape": .array(filled.target.shape.map { .integer($0) }),
      "reason": .string(filled.reason),
    ]
  }

  private static func json(_ found: NotFinite) -> JSONValue {
    [
      "target": .string(found.target), "nan": .integer(found.nan),
      "infinite": .integer(found.infinite), "first_index": .integer(found.firstIndex),
    ]
  }

  private static func json(_ alias: ImportPlan.Alias) -> JSONValue {
    [
      "source": .string(alias.source.name),
      "target": .string(alias.target),
      "relation": .string(alias.relation.rawValue),
    ]
  }
}
