public import CTKCore

/// A model's configuration as an import understands it.
public struct SourceConfiguration: Sendable {
  /// The fields of a Hugging Face `config.json`, with those added that were absent but implied.
  public let json: JSONValue
  public let model: ModelConfiguration
  /// Model classes named in `architectures`, such as "BertForSequenceClassification".
  public let classNames: [String]
  /// `tie_word_embeddings`; true when absent.
  public let tiesEmbeddings: Bool
  /// What was assumed, one sentence each.
  public let findings: [String]

  /// The configuration in a folder: `config.json`, or the original release's file.
  static func path(in folder: String) -> String {
    let names = [CheckpointFolder.configuration, "bert_config.json", "xlnet_config.json"]
    let present = names.first { Folder.fileExists(folder + "/" + $0) }
    return folder + "/" + (present ?? names[0])
  }

  /// Reads a Hugging Face `config.json`, the JSON file of an original release, or the
  /// `config.json` or `task.json` of a KerasHub preset.
  ///
  /// - Parameters:
  ///   - architecture: what the caller takes the model to be; nil to find out.
  ///   - tensorNames: names of the weights, which tell the architecture when the file does not.
  /// - Throws: `checkpoint.config-missing`, `import.architecture-mismatch`,
  ///   `config.invalid`, `config.unsupported`, and the `json.*` codes.
  public static func read(
    _ path: String, architecture: Architecture? = nil, tensorNames: [String] = []
  ) throws(CheckpointError) -> SourceConfiguration {
    guard Folder.fileExists(path) else {
      throw CheckpointError(
        .configMissing, "there is no configuration", path: path,
        hint: "give the model's config.json with --config")
    }
    do {
      let json = try CheckpointError.wrap { () throws(CoreError) in try JSONParser.parseFile(path) }
      let task = try KerasHubConfiguration.task(beside: path)
      return try SourceConfiguration(
        json: json, task: task, architecture: architecture, tensorNames: tensorNames)
    } catch {
      throw error.at(path)
    }
  }

  /// Reads the configuration that goes with weights: the caller's, else the one in their own
  /// container when it is of KerasHub, else the one in their folder.
  ///
  /// - Throws: as `read(_:architecture:tensorNames:)`.
  static func read(
    _ path: String?, beside folder: String, embedded: JSONValue?, architecture: Architecture?,
    tensorNames: [String]
  ) throws(CheckpointError) -> SourceConfiguration {
    if path == nil, let embedded, KerasHubConfiguration.describes(embedded) {
      return try SourceConfiguration(
        json: embedded, architecture: architecture, tensorNames: tensorNames)
    }
    return try read(
      path ?? Self.path(in: folder), architecture: architecture, tensorNames: tensorNames)
  }

  /// - Parameter task: a KerasHub preset's `task.json`.
  init(
    json: JSONValue, task: JSONValue? = nil, architecture: Architecture? = nil,
    tensorNames: [String] = []
  ) throws(CheckpointError) {
    let fields = try CheckpointError.wrap { () throws(CoreError) in
      if let fields = try KerasHubConfiguration.huggingFace(json, task: task) { return fields }
      return try Self.object(json)
    }
    var normalizer = ConfigurationNormalizer(fields: fields)
    try normalizer.run(architecture: architecture, tensorNames: tensorNames)
    let completed = JSONValue.object(normalizer.fields)
    self.json = completed
    model = try CheckpointError.wrap { () throws(CoreError) in
      try ModelConfiguration(json: completed)
    }
    classNames = normalizer.classNames
    findings = normalizer.findings
    tiesEmbeddings = completed["tie_word_embeddings"]?.boolValue ?? true
  }

  private static func object(_ json: JSONValue) throws(CoreError) -> JSONObject {
    guard let fields = json.objectValue else {
      throw CoreError(.configInvalid, "config.json must hold an object")
    }
    return fields
  }

  /// The fields to write beside weights of the given type.
  func json(writing dtype: ImportDType) -> JSONValue {
    guard var fields = json.objectValue, let name = dtype.configurationName else { return json }
    // transformers 5 writes `dtype`, older versions `torch_dtype`.
    let present = ["dtype", "torch_dtype"].filter { fields[$0] != nil }
    for key in present.isEmpty ? ["dtype"] : present { fields[key] = .string(name) }
    return .object(fields)
  }
}
