import CTKCore

/// Weights of transformers' TensorFlow classes in `.weights.h5`: paths of attributes and classes
/// down to a variable's number.
///
/// Each path is translated into the variable's name, which `TensorFlowNames` knows.
struct TensorFlowObjectNames: NameTable {
  private let names: TensorFlowNames
  private let architecture: Architecture
  private let basePrefix: Substring

  init(schema: ArchitectureSchema) {
    names = TensorFlowNames(schema: schema)
    architecture = schema.architecture
    basePrefix = Substring(schema.basePrefix)
  }

  package var rules: [NameRule] { names.rules }

  /// Whether a component is a class of transformers, as in `tf_bert_layer_1` and `tfxl_net_layer`.
  static func isClass(_ component: Substring) -> Bool {
    component.hasPrefix("tf") && component.contains("_")
  }

  package func match(_ name: String) -> NameMatch {
    let components = name.split(separator: "/", omittingEmptySubsequences: false)
    if KerasPath.isTraining(components) { return .skipped(.optimizerState) }
    guard KerasPath.isVariable(components), let number = components.last.flatMap({ Int($0) }) else {
      return .skipped(.unknown(architecture))
    }
    let path = translated(components.dropLast(2))
    let leaves = leaves(of: path)
    guard leaves.indices.contains(number) else { return .skipped(.unknown(architecture)) }
    return names.match((path + [Substring(leaves[number])]).joined(separator: "/"))
  }

  // MARK: Paths

  /// Attributes whose variables are named otherwise.
  private static let variableNames: [Substring: Substring] = [
    "dense_output": "output", "bert_output": "output", "self_attention": "self",
    "mlm": "mlm___cls", "nsp": "nsp___cls",
  ]
  /// Ends of the names of classes that stand for an attribute.
  private static let classEnds: [(end: String, name: Substring)] = [
    ("_classification_head", "classifier"), ("_generator_predictions", "generator_predictions"),
    ("_discriminator_predictions", "discriminator_predictions"),
    ("_masked_lm_head", "generator_lm_head"),
  ]

  /// The components of a variable's name without its leaf.
  private func translated(_ components: ArraySlice<Substring>) -> [Substring] {
    var path: [Substring] = []
    for component in components where component != "layers" {
      if component == "input_embeddings" {
        // A head that is tied to the embeddings is met before they are.
        path = [basePrefix, "embeddings"]
      } else if path.last == "layer" {
        path[path.count - 1] = "layer_._" + Self.number(of: component)
      } else {
        path.append(translated(component))
      }
    }
    // A classifier without an attribute of its own name.
    return path == ["dense"] ? ["classifier"] : path
  }

  private func translated(_ component: Substring) -> Substring {
    guard Self.isClass(component) else { return Self.variableNames[component] ?? component }
    if component.hasSuffix("_main_layer") { return basePrefix }
    return Self.classEnds.first { component.hasSuffix($0.end) }?.name ?? component
  }

  /// The position among siblings of one class: `tf_bert_layer` is the first, `tf_bert_layer_1`
  /// the second.
  private static func number(of component: Substring) -> Substring {
    let suffix = component.split(separator: "_").last ?? ""
    return suffix.utf8.allSatisfy { (0x30...0x39).contains($0) } ? suffix : "0"
  }

  // MARK: Leaves

  /// Names of the variables of a layer, in the order in which it makes them.
  private func leaves(of path: [Substring]) -> [String] {
    switch path.last {
    case "embeddings":
      architecture == .distilbert
        ? ["word_embeddings/weight", "position_embeddings/embeddings"]
        : [
          "word_embeddings/weight", "token_type_embeddings/embeddings",
          "position_embeddings/embeddings",
        ]
    case "rel_attn":
      ["q", "k", "v", "o", "r", "r_r_bias", "r_s_bias", "r_w_bias", "seg_embed"]
    case "word_embedding": ["weight"]
    case "transformer": ["mask_emb"]
    case "predictions", "lm_head", "generator_lm_head", "vocab_projector", "lm_loss": ["bias"]
    case let layer? where layer.lowercased().contains("norm"): ["gamma", "beta"]
    default: ["kernel", "bias"]
    }
  }
}
