import CTKCore

extension ArchitectureSchema {
  package static let xlnet = ArchitectureSchema(
    architecture: .xlnet,
    basePrefix: "transformer",
    tensors: TensorPattern.table(
      "transformer.word_embedding", rows: .vocabulary, width: .hidden)
      + [
        TensorPattern(
          "transformer.mask_emb", [.fixed(1), .fixed(1), .hidden], .pretrainingOnly)
      ]
      + xlnetAttention + xlnetFeedForward + xlnetHeads,
    tied: [TiedName(alias: "lm_loss.weight", owner: "transformer.word_embedding.weight")],
    tensorFlow: .xlnet,
    keras: .xlnet,
    buffers: [],
    classPrefixes: ["XLNet"],
    partsOfClass: [
      "Model": [.pretrainingOnly],
      "LMHeadModel": [.pretrainingOnly, .maskedLanguageModel],
      "ForSequenceClassification": [.pretrainingOnly, .classifier],
      "ForTokenClassification": [.pretrainingOnly, .tokenClassifier],
      "ForQuestionAnswering": [.pretrainingOnly, .beamQuestionAnswering],
      "ForQuestionAnsweringSimple": [.pretrainingOnly, .questionAnswering],
    ])

  private static let xlnetAttention: [TensorPattern] = {
    let attention = "transformer.layer.{layer}.rel_attn."
    // Parameters themselves, without a leaf: [hidden, heads, head size], output's too.
    let projections = ["q", "k", "v", "o", "r"].map { name in
      TensorPattern(attention + name, [.hidden, .heads, .headSize], .encoder)
    }
    let biases = ["r_w_bias", "r_r_bias", "r_s_bias"].map { name in
      TensorPattern(attention + name, [.heads, .headSize], .encoder)
    }
    let segments = TensorPattern(
      attention + "seg_embed", [.fixed(2), .heads, .headSize], .encoder)
    return projections + biases + [segments]
      + TensorPattern.norm(attention + "layer_norm", .hidden, .encoder)
  }()

  private static let xlnetFeedForward: [TensorPattern] = {
    let block = "transformer.layer.{layer}.ff."
    return TensorPattern.dense(block + "layer_1", from: .hidden, to: .intermediate, .encoder)
      + TensorPattern.dense(block + "layer_2", from: .intermediate, to: .hidden, .encoder)
      + TensorPattern.norm(block + "layer_norm", .hidden, .encoder)
  }()

  private static let xlnetHeads =
    TensorPattern.dense("sequence_summary.summary", from: .hidden, to: .hidden, .summaryProjection)
    + TensorPattern.dense("logits_proj", from: .hidden, to: .labels, .classifier)
    + TransformerBlocks.tokenClassifier
    + TensorPattern.dense("lm_loss", from: .hidden, to: .vocabulary, .maskedLanguageModel)
    + TransformerBlocks.questionAnswering
    + xlnetBeams

  private static let xlnetBeams: [TensorPattern] = {
    let part = ModelPart.beamQuestionAnswering
    return TensorPattern.dense("start_logits.dense", from: .hidden, to: .fixed(1), part)
      + TensorPattern.dense("end_logits.dense_0", from: .doubleHidden, to: .hidden, part)
      + TensorPattern.norm("end_logits.LayerNorm", .hidden, part)
      + TensorPattern.dense("end_logits.dense_1", from: .hidden, to: .fixed(1), part)
      + TensorPattern.dense("answer_class.dense_0", from: .doubleHidden, to: .hidden, part)
      + [TensorPattern("answer_class.dense_1.weight", [.fixed(1), .hidden], part)]
  }()
}

extension TensorFlowVariables {
  static let xlnet = TensorFlowVariables(
    names: [
      ("transformer/word_embedding/weight", "transformer.word_embedding.weight"),
      ("transformer/mask_emb", "transformer.mask_emb"),
    ] + xlnetLayers
      + dense("sequence_summary/summary", "sequence_summary.summary")
      + dense("logits_proj", "logits_proj")
      + dense("classifier", "classifier")
      + dense("qa_outputs", "qa_outputs")
      + [("lm_loss/bias", "lm_loss.bias")],
    copyingGroups: ["lm_loss"], tiedPath: "transformer/word_embedding/")

  private static let xlnetLayers: [Line] = {
    let (path, name) = ("transformer/layer_._{layer}/", "transformer.layer.{layer}.")
    let parameters = [
      "q", "k", "v", "o", "r", "r_w_bias", "r_r_bias", "r_s_bias", "seg_embed",
    ].map { (path + "rel_attn/" + $0, name + "rel_attn." + $0) }
    return parameters
      + norm(path + "rel_attn/layer_norm", name + "rel_attn.layer_norm")
      + dense(path + "ff/layer_1", name + "ff.layer_1")
      + dense(path + "ff/layer_2", name + "ff.layer_2")
      + norm(path + "ff/layer_norm", name + "ff.layer_norm")
  }()
}
