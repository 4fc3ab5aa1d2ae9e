package import CTKCore
package import CTKTensor

/// What a run is: its task, base, options and machine.
///
/// Written before the first step.
package struct RunManifest: Sendable, Equatable {
  package static let schema = "ctk-run/2"
  private static let schemaFamily = "ctk-run/"

  package let task: String
  package let basePath: String
  package let baseFingerprint: Digest
  package let options: JSONObject
  /// Digest over the texts and labels of train and dev.
  package let dataDigest: Digest
  package let labels: LabelSpace
  /// Metrics the task is judged by.
  package let metrics: [Metric]
  /// Digest of the mask that was given; nil when the run chooses its own.
  package let mask: Digest?
  package let threads: Int
  /// Kernel variant and BLAS, which decide the last bits of a result.
  package let kernels: String

  package init(
    task: String, basePath: String, baseFingerprint: Digest, options: JSONObject,
    dataDigest: Digest, labels: LabelSpace, metrics: [Metric], mask: Digest?, compute: Compute
  ) {
    self.task = task
    self.basePath = basePath
    self.baseFingerprint = baseFingerprint
    self.options = options
    self.dataDigest = dataDigest
    self.labels = labels
    self.metrics = metrics
    self.mask = mask
    threads = compute.threadCount
    let products = compute.precision == .f32 ? "" : " with \(compute.precision.rawValue) products"
    kernels = "\(compute.kernels.variant)\(products); \(Compute.blasDescription)"
  }
}

// MARK: JSON

extension RunManifest {
  package var json: JSONValue {
    .object(
      JSONObject([
        "schema": .string(Self.schema),
        "task": .string(task),
        "base": .string(basePath),
        "base_fingerprint": .string(baseFingerprint.hex),
        "options": .object(options),
        "data_digest": .string(dataDigest.hex),
        "labels": labels.json,
        "metrics": .array(metrics.map { .string($0.rawValue) }),
        "mask": mask.map { .string($0.hex) } ?? .null,
        "threads": .integer(threads),
        "kernels": .string(kernels),
      ]))
  }

  /// - Throws: `run.missing`, `run.unsupported`, `run.state-invalid`.
  package static func read(_ folder: RunFolder) throws(TuningError) -> RunManifest {
    guard Folder.fileExists(folder.manifest) else {
      throw TuningError(
        .runMissing, "this is not a run folder: it has no manifest.json", path: folder.path)
    }
    let json = try TuningError.wrap { () throws(CoreError) in
      try JSONParser.parseFile(folder.manifest)
    }
    if let schema = json["schema"]?.stringValue, schema != Self.schema,
      schema.hasPrefix(schemaFamily)
    {
      throw TuningError(
        .runUnsupported, "the run is of schema '\(schema)', this ctk reads '\(Self.schema)'",
        path: folder.path,
        hint: "use the ctk that began the run, or begin it anew with --force")
    }
    guard let manifest = RunManifest(json: json) else {
      throw TuningError(.stateInvalid, "the manifest is not of a ctk run", path: folder.manifest)
    }
    return manifest
  }

  private init?(json: JSONValue) {
    let mask = json["mask"]?.stringValue.flatMap(Digest.init(hex:))
    guard json["schema"]?.stringValue == Self.schema, mask != nil || json["mask"] == .null,
      let task = json["task"]?.stringValue, let base = json["base"]?.stringValue,
      let fingerprint = json["base_fingerprint"]?.stringValue.flatMap(Digest.init(hex:)),
      let options = json["options"]?.objectValue,
      let data = json["data_digest"]?.stringValue.flatMap(Digest.init(hex:)),
      let labels = json["labels"].flatMap(Self.labels),
      let metrics = json["metrics"]?.arrayValue.flatMap(Self.metrics),
      let threads = json["threads"]?.intValue, let kernels = json["kernels"]?.stringValue
    else { return nil }
    self.task = task
    basePath = base
    baseFingerprint = fingerprint
    self.options = options
    dataDigest = data
    self.labels = labels
    self.metrics = metrics
    self.mask = mask
    self.threads = threads
    self.kernels = kernels
  }

  private static func labels(_ json: JSONValue) -> LabelSpace? {
    if json == "score" { return .score }
    let tags = json["tags"]
    guard let entries = (tags ?? json).arrayValue else { return nil }
    let names = entries.compactMap(\.stringValue)
    guard names.count == entries.count && !names.isEmpty else { return nil }
    return tags == nil ? .classes(names) : .tags(names)
  }

  private static func metrics(_ entries: [JSONValue]) -> [Metric]? {
    let metrics = entries.compactMap { $0.stringValue.flatMap(Metric.init(rawValue:)) }
    return metrics.count == entries.count && !metrics.isEmpty ? metrics : nil
  }

  /// What differs from another manifest so that resuming would not give the same bits.
  package func differences(from other: RunManifest) -> [String] {
    var found: [String] = []
    if task != other.task { found.append("task") }
    if baseFingerprint != other.baseFingerprint { found.append("base") }
    if dataDigest != other.dataDigest { found.append("data") }
    if labels != other.labels { found.append("labels") }
    if metrics != other.metrics { found.append("metrics") }
    if mask != other.mask { found.append("mask") }
    if threads != other.threads { found.append("threads") }
    if kernels != other.kernels { found.append("kernels") }
    for key in Set(options.keys + other.options.keys).sorted()
    where options[key] != other.options[key] {
      found.append(key)
    }
    return found
  }
}

extension LabelSpace {
  fileprivate var json: JSONValue {
    let list = JSONValue.array(names.map { .string($0) })
    return switch self {
    case .classes: list
    case .score: "score"
    case .tags: ["tags": list]
    }
  }
}
