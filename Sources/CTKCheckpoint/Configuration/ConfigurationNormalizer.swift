import CTKCore

/// Completes the fields of a configuration by what its origin implies.
///
/// Only constants of the original programs are added, each with a finding. Nothing is taken from
/// the defaults of a library's class, which published files contradict.
struct ConfigurationNormalizer {
  private(set) var fields: JSONObject
  private(set) var findings: [String] = []

  init(fields: JSONObject) { self.fields = fields }

  /// Model classes named in `architectures`.
  var classNames: [String] {
    (fields["architectures"]?.arrayValue ?? []).compactMap(\.stringValue)
  }

  /// - Throws: `import.architecture-mismatch` as a checkpoint error, `config.unsupported`.
  mutating func run(
    architecture: Architecture?, tensorNames: [String]
  ) throws(CheckpointError) {
    let isOriginal = fields["model_type"] == nil && classNames.isEmpty
    try settleModelType(architecture, tensorNames)
    if isOriginal { noteActivation() }
    switch fields["model_type"]?.stringValue.flatMap(Architecture.init(modelType:)) {
    case .bert: assume("layer_norm_eps", 1e-12)
    case .xlnet where isOriginal: completeOriginalXLNet()
    default: break
    }
    try requireEncoder()
  }

  private mutating func assume(_ name: String, _ value: JSONValue) {
    guard fields[name] == nil else { return }
    fields[name] = value
    findings.append("config.json has no \(name); \(value.compactText) was assumed")
  }

  private mutating func settleModelType(
    _ requested: Architecture?, _ tensorNames: [String]
  ) throws(CheckpointError) {
    if let named = fields["model_type"]?.stringValue {
      guard let requested, Architecture(modelType: named) != requested else { return }
      throw CheckpointError(
        .architectureMismatch,
        "'\(requested.rawValue)' was asked for, the configuration says '\(named)'")
    }
    let found =
      requested?.rawValue ?? ModelType.named(byClasses: classNames)
      ?? ModelType.named(byTensors: tensorNames)
    guard let found else { return }
    fields["model_type"] = .string(found)
    findings.append("config.json has no model_type; '\(found)' was assumed")
  }

  /// The `xlnet_config.json` of the original release, whose other values are constants of its
  /// program.
  private mutating func completeOriginalXLNet() {
    if fields["vocab_size"] == nil, let count = fields["n_token"] {
      fields["vocab_size"] = count
      fields["n_token"] = nil
    }
    assume("layer_norm_eps", 1e-12)
    assume("attn_type", "bi")
    assume("pad_token_id", 5)
    assume("summary_type", "last")
    assume("summary_use_proj", true)
    assume("summary_activation", "tanh")
  }

  /// The original programs compute "gelu" by its tanh form, transformers by the exact one.
  private mutating func noteActivation() {
    for name in ["hidden_act", "ff_activation"] where fields[name]?.stringValue == "gelu" {
      findings.append(
        "\(name) 'gelu' was kept, which is the exact form here and in transformers; the original "
          + "program computes the tanh form, 'gelu_new', from which it differs by about 1e-3")
    }
  }

  private func requireEncoder() throws(CheckpointError) {
    for name in ["is_decoder", "add_cross_attention", "is_encoder_decoder"]
    where fields[name]?.boolValue == true {
      throw CheckpointError(
        wrapping: CoreError(
          .configUnsupported, "\(name) is true; only encoders are supported"))
    }
  }
}

/// Ways to find a `model_type` that the configuration does not state.
private enum ModelType {
  private static let typeOfFamily = [
    "bert": "bert", "roberta": "roberta", "xlmroberta": "xlm-roberta", "camembert": "camembert",
    "electra": "electra", "xlnet": "xlnet", "distilbert": "distilbert",
  ]

  /// By the family that the class names begin with, as in "BertModel".
  static func named(byClasses classNames: [String]) -> String? {
    let families = classNames.lazy.map { name in
      String(name.text(before: ["For", "Model", "LMHead"])).lowercased()
    }
    return families.compactMap { typeOfFamily[$0] }.first
  }

  /// By the component that all names of an encoder share.
  static func named(byTensors names: [String]) -> String? {
    let components = Set(
      names.lazy.flatMap { $0.split { $0 == "." || $0 == "/" } })
    if components.contains("rel_attn") { return Architecture.xlnet.rawValue }
    let found = [Architecture.bert, .roberta, .electra, .distilbert].filter {
      components.contains(Substring($0.rawValue))
    }
    return found.count == 1 ? found[0].rawValue : nil
  }
}

extension String {
  /// The text before the first of the given words.
  fileprivate func text(before words: [String]) -> Substring {
    let ends = words.compactMap { firstRange(of: $0)?.lowerBound }
    return self[..<(ends.min() ?? endIndex)]
  }
}
