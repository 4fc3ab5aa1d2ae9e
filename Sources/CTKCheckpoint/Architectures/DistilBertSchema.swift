import CTKCore

extension ArchitectureSchema {
  package static let distilbert = ArchitectureSchema(
    architecture: .distilbert,
    basePrefix: "distilbert",
    tensors: distilbertEmbeddings + distilbertLayers
      + TensorPattern.dense("pre_classifier", from: .hidden, to: .hidden, .classifier)
      + TensorPattern.dense("classifier", from: .hidden, to: .labels, .tokenClassifier)
      + TensorPattern.dense("vocab_transform", from: .hidden, to: .hidden, .maskedLanguageModel)
      + TensorPattern.norm("vocab_layer_norm", .hidden, .maskedLanguageModel)
      + TensorPattern.dense("vocab_projector", from: .hidden, to: .vocabulary, .maskedLanguageModel)
      + TransformerBlocks.questionAnswering,
    tied: [
      TiedName(
        alias: "vocab_projector.weight", owner: "distilbert.embeddings.word_embeddings.weight")
    ],
    tensorFlow: .distilbert,
    keras: .distilbert,
    buffers: TransformerBlocks.buffers("distilbert"),
    classPrefixes: ["DistilBert"],
    partsOfClass: [
      "Model": [],
      "ForMaskedLM": [.maskedLanguageModel],
      "ForSequenceClassification": [.classifier, .tokenClassifier],
      "ForTokenClassification": [.tokenClassifier],
      "ForQuestionAnswering": [.questionAnswering],
    ])

  private static let distilbertEmbeddings =
    TensorPattern.table(
      "distilbert.embeddings.word_embeddings", rows: .vocabulary, width: .hidden)
    + TensorPattern.table(
      "distilbert.embeddings.position_embeddings", rows: .positions, width: .hidden)
    + TensorPattern.norm("distilbert.embeddings.LayerNorm", .hidden, .embeddings)

  private static let distilbertLayers: [TensorPattern] = {
    let layer = "distilbert.transformer.layer.{layer}."
    let projections = ["q_lin", "k_lin", "v_lin", "out_lin"].flatMap { name in
      TensorPattern.dense(layer + "attention." + name, from: .hidden, to: .hidden, .encoder)
    }
    return projections
      + TensorPattern.norm(layer + "sa_layer_norm", .hidden, .encoder)
      + TensorPattern.dense(layer + "ffn.lin1", from: .hidden, to: .intermediate, .encoder)
      + TensorPattern.dense(layer + "ffn.lin2", from: .intermediate, to: .hidden, .encoder)
      + TensorPattern.norm(layer + "output_layer_norm", .hidden, .encoder)
  }()
}

extension TensorFlowVariables {
  static let distilbert = TensorFlowVariables(
    names: [
      (
        "distilbert/embeddings/word_embeddings/weight",
        "distilbert.embeddings.word_embeddings.weight"
      ),
      (
        "distilbert/embeddings/position_embeddings/embeddings",
        "distilbert.embeddings.position_embeddings.weight"
      ),
    ] + norm("distilbert/embeddings/LayerNorm", "distilbert.embeddings.LayerNorm")
      + distilbertLayers
      + dense("pre_classifier", "pre_classifier")
      + dense("classifier", "classifier")
      + dense("qa_outputs", "qa_outputs")
      + dense("vocab_transform", "vocab_transform")
      + norm("vocab_layer_norm", "vocab_layer_norm")
      + [("vocab_projector/bias", "vocab_projector.bias")],
    copyingGroups: ["vocab_projector"], tiedPath: "distilbert/embeddings/")

  private static let distilbertLayers: [Line] = {
    let path = "distilbert/transformer/layer_._{layer}/"
    let name = "distilbert.transformer.layer.{layer}."
    let projections = ["q_lin", "k_lin", "v_lin", "out_lin"].flatMap { part in
      dense(path + "attention/" + part, name + "attention." + part)
    }
    return projections
      + norm(path + "sa_layer_norm", name + "sa_layer_norm")
      + dense(path + "ffn/lin1", name + "ffn.lin1")
      + dense(path + "ffn/lin2", name + "ffn.lin2")
      + norm(path + "output_layer_norm", name + "output_layer_norm")
  }()
}
