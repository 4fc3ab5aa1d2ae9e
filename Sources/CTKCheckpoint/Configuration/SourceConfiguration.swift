public import CTKCore

/// A `config.json` as an import understands it.
public struct SourceConfiguration: Sendable {
  /// The file's fields, with those added that were absent but implied.
  public let json: JSONValue
  public let model: ModelConfiguration
  /// Model classes named in `architectures`, such as "BertForSequenceClassification".
  public let classNames: [String]
  /// `tie_word_embeddings`; true when absent.
  public let tiesEmbeddings: Bool
  /// What was assumed, one sentence each.
  public let findings: [String]

  /// Reads a configuration file.
  ///
  /// - Parameter architecture: what the caller takes the model to be; nil to find out.
  /// - Throws: `checkpoint.config-missing`, `import.architecture-mismatch`,
  ///   `config.invalid`, `config.unsupported`, and the `json.*` codes.
  public static func read(
    _ path: String, architecture: Architecture? = nil
  ) throws(CheckpointError) -> SourceConfiguration {
    guard Folder.fileExists(path) else {
      throw CheckpointError(
        .configMissing, "there is no configuration", path: path,
        hint: "give the model's config.json with --config")
    }
    do {
      let json = try CheckpointError.wrap { () throws(CoreError) in try JSONParser.parseFile(path) }
      return try SourceConfiguration(json: json, architecture: architecture)
    } catch {
      throw error.at(path)
    }
  }

  init(json: JSONValue, architecture: Architecture? = nil) throws(CheckpointError) {
    guard var fields = json.objectValue else {
      throw CheckpointError(
        wrapping: CoreError(.configInvalid, "config.json must hold an object"))
    }
    var findings: [String] = []
    let classNames = (fields["architectures"]?.arrayValue ?? []).compactMap(\.stringValue)
    try Self.settleModelType(&fields, classNames, architecture, &findings)
    Self.settleEpsilon(&fields, &findings)
    try Self.requireEncoder(fields)
    self.json = .object(fields)
    model = try CheckpointError.wrap { () throws(CoreError) in
      try ModelConfiguration(json: .object(fields))
    }
    tiesEmbeddings = fields["tie_word_embeddings"]?.boolValue ?? true
    self.classNames = classNames
    self.findings = findings
  }

  /// The fields to write beside weights of the given type.
  func json(writing dtype: ImportDType) -> JSONValue {
    guard var fields = json.objectValue, let name = dtype.configurationName else { return json }
    // transformers 5 writes `dtype`, older versions `torch_dtype`.
    let present = ["dtype", "torch_dtype"].filter { fields[$0] != nil }
    for key in present.isEmpty ? ["dtype"] : present { fields[key] = .string(name) }
    return .object(fields)
  }

  private static func settleModelType(
    _ fields: inout JSONObject, _ classNames: [String], _ requested: Architecture?,
    _ findings: inout [String]
  ) throws(CheckpointError) {
    if let named = fields["model_type"]?.stringValue {
      if let requested, named != requested.rawValue {
        throw CheckpointError(
          .architectureMismatch,
          "'\(requested.rawValue)' was asked for, the configuration says '\(named)'")
      }
      return
    }
    guard let architecture = requested ?? Self.architecture(ofClasses: classNames) else { return }
    fields["model_type"] = .string(architecture.rawValue)
    findings.append("config.json has no model_type; '\(architecture.rawValue)' was assumed")
  }

  /// The family whose name begins the class names, as in "BertModel".
  private static func architecture(ofClasses classNames: [String]) -> Architecture? {
    Architecture.allCases.first { architecture in
      let families = classNames.map { name in
        name.components(before: ["For", "Model", "LMHead"]).lowercased()
      }
      return families.contains(architecture.rawValue)
    }
  }

  /// Files of BERT may omit the epsilon of the original code; other families
  /// have defaults that published files contradict, so none is assumed for them.
  private static func settleEpsilon(_ fields: inout JSONObject, _ findings: inout [String]) {
    guard fields["layer_norm_eps"] == nil,
      fields["model_type"]?.stringValue == Architecture.bert.rawValue
    else { return }
    fields["layer_norm_eps"] = 1e-12
    findings.append("config.json has no layer_norm_eps; 1e-12 was assumed")
  }

  private static func requireEncoder(_ fields: JSONObject) throws(CheckpointError) {
    for name in ["is_decoder", "add_cross_attention", "is_encoder_decoder"]
    where fields[name]?.boolValue == true {
      throw CheckpointError(
        wrapping: CoreError(
          .configUnsupported, "\(name) is true; only encoders are supported"))
    }
  }
}

extension String {
  /// The text before the first of the given words.
  fileprivate func components(before words: [String]) -> String {
    let ends = words.compactMap { firstRange(of: $0)?.lowerBound }
    return String(self[..<(ends.min() ?? endIndex)])
  }
}
