import CTKCore

/// The variable names of an architecture's original TensorFlow release.
///
/// BERT and ELECTRA share their program; XLNet's stacks some variables over the layers, which
/// `UnstackedTensors` takes apart.
package struct OriginalVariables: Sendable {
  /// Dense kernels are stored as [in, out]; everything else as in PyTorch.
  package let names: [TensorFlowVariables.Line]
  /// First components of a network that such a checkpoint holds beside this one.
  var otherNetwork: OtherNetwork?
  /// A scope that may enclose all names.
  var outerScope: Substring?

  struct OtherNetwork: Sendable {
    let name: String
    let scopes: Set<Substring>
  }

  init(
    names: [TensorFlowVariables.Line], otherNetwork: OtherNetwork? = nil,
    outerScope: Substring? = nil
  ) {
    self.names = names
    self.otherNetwork = otherNetwork
    self.outerScope = outerScope
  }

  /// - Parameter classNames: of the configuration; ELECTRA's tell the generator from the
  ///   discriminator.
  static func of(_ architecture: Architecture, classNames: [String]) -> OriginalVariables {
    switch architecture {
    case .bert: bert
    case .electra: classNames.contains("ElectraForMaskedLM") ? generator : discriminator
    case .xlnet: xlnet
    case .roberta, .distilbert: OriginalVariables(names: [])
    }
  }

  // MARK: BERT

  private static let bert = OriginalVariables(
    names: embeddings("bert", "bert") + encoder("bert", "bert")
      + TensorFlowVariables.dense("bert/pooler/dense", "bert.pooler.dense")
      + predictions("cls/predictions", "cls.predictions")
      + output("cls/seq_relationship", "cls.seq_relationship")
      + output("cls/squad", "qa_outputs")
      + [("output_weights", "classifier.weight"), ("output_bias", "classifier.bias")])

  /// The embeddings, whose tables have no leaf.
  private static func embeddings(_ path: String, _ base: String) -> [TensorFlowVariables.Line] {
    let tables = ["word", "position", "token_type"].map { table in
      (
        "\(path)/embeddings/\(table)_embeddings", "\(base).embeddings.\(table)_embeddings.weight"
      )
    }
    return tables
      + TensorFlowVariables.norm("\(path)/embeddings/LayerNorm", "\(base).embeddings.LayerNorm")
  }

  private static func encoder(_ path: String, _ base: String) -> [TensorFlowVariables.Line] {
    TensorFlowVariables.layers(
      "\(path)/encoder/layer_{layer}/", "\(base).encoder.layer.{layer}.")
  }

  private static func predictions(_ path: String, _ name: String) -> [TensorFlowVariables.Line] {
    TensorFlowVariables.dense(path + "/transform/dense", name + ".transform.dense")
      + TensorFlowVariables.norm(path + "/transform/LayerNorm", name + ".transform.LayerNorm")
      + [(path + "/output_bias", name + ".bias")]
  }

  /// An output layer made without a dense layer: its matrix is [out, in].
  private static func output(_ path: String, _ name: String) -> [TensorFlowVariables.Line] {
    [(path + "/output_weights", name + ".weight"), (path + "/output_bias", name + ".bias")]
  }

  // MARK: ELECTRA

  private static let discriminator = OriginalVariables(
    names: embeddings("electra", "electra") + electraEncoder("electra")
      + TensorFlowVariables.dense(
        "discriminator_predictions/dense", "discriminator_predictions.dense")
      + TensorFlowVariables.dense(
        "discriminator_predictions/dense_1", "discriminator_predictions.dense_prediction"),
    otherNetwork: OtherNetwork(
      name: "generator", scopes: ["generator", "generator_predictions"]))

  /// The generator has the discriminator's embeddings.
  private static let generator = OriginalVariables(
    names: embeddings("electra", "electra") + electraEncoder("generator")
      + TensorFlowVariables.norm(
        "generator_predictions/LayerNorm", "generator_predictions.LayerNorm")
      + TensorFlowVariables.dense("generator_predictions/dense", "generator_predictions.dense")
      + [("generator_predictions/output_bias", "generator_lm_head.bias")],
    otherNetwork: OtherNetwork(
      name: "discriminator", scopes: ["electra", "discriminator_predictions"]))

  private static func electraEncoder(_ path: String) -> [TensorFlowVariables.Line] {
    TensorFlowVariables.dense(path + "/embeddings_project", "electra.embeddings_project")
      + encoder(path, "electra")
  }

  // MARK: XLNet

  private static let xlnet = OriginalVariables(
    names: [
      ("transformer/word_embedding/lookup_table", "transformer.word_embedding.weight"),
      ("transformer/mask_emb/mask_emb", "transformer.mask_emb"),
    ] + xlnetLayers + xlnetHeads,
    outerScope: "model")

  private static let xlnetLayers: [TensorFlowVariables.Line] = {
    let (path, name) = ("transformer/layer_{layer}/", "transformer.layer.{layer}.")
    let projections = ["q", "k", "v", "o", "r"].map { part in
      (path + "rel_attn/\(part)/kernel", name + "rel_attn.\(part)")
    }
    let stacked = UnstackedTensors.stackedVariables.map { variable in
      ("transformer/\(variable)/{layer}", name + "rel_attn.\(variable)")
    }
    return projections + stacked
      + TensorFlowVariables.norm(path + "rel_attn/LayerNorm", name + "rel_attn.layer_norm")
      + TensorFlowVariables.dense(path + "ff/layer_1", name + "ff.layer_1")
      + TensorFlowVariables.dense(path + "ff/layer_2", name + "ff.layer_2")
      + TensorFlowVariables.norm(path + "ff/LayerNorm", name + "ff.layer_norm")
  }()

  private static let xlnetHeads =
    [("lm_loss/weight", "lm_loss.weight"), ("lm_loss/bias", "lm_loss.bias")]
    // The release's own spelling.
    + TensorFlowVariables.dense("sequnece_summary/summary", "sequence_summary.summary")
    + TensorFlowVariables.dense(OriginalNames.taskScope + "/logit", "logits_proj")
    + TensorFlowVariables.dense("start_logits/dense", "start_logits.dense")
    + TensorFlowVariables.dense("end_logits/dense_0", "end_logits.dense_0")
    + TensorFlowVariables.norm("end_logits/LayerNorm", "end_logits.LayerNorm")
    + TensorFlowVariables.dense("end_logits/dense_1", "end_logits.dense_1")
    + TensorFlowVariables.dense("answer_class/dense_0", "answer_class.dense_0")
    + [("answer_class/dense_1/kernel", "answer_class.dense_1.weight")]
}
