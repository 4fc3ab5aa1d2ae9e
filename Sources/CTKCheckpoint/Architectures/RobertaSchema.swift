import CTKCore

extension ArchitectureSchema {
  /// RoBERTa, XLM-RoBERTa and CamemBERT.
  package static let roberta = ArchitectureSchema(
    architecture: .roberta,
    basePrefix: "roberta",
    tensors: TransformerBlocks.embeddings("roberta", width: .hidden)
      + TransformerBlocks.layers("roberta")
      + TensorPattern.dense("roberta.pooler.dense", from: .hidden, to: .hidden, .pooler)
      + TransformerBlocks.classificationHead
      + TransformerBlocks.tokenClassifier
      + robertaPredictions
      + TransformerBlocks.questionAnswering,
    tied: [
      TiedName(
        alias: "lm_head.decoder.weight", owner: "roberta.embeddings.word_embeddings.weight"),
      TiedName(alias: "lm_head.decoder.bias", owner: "lm_head.bias"),
    ],
    tensorFlow: .roberta,
    keras: .roberta,
    buffers: TransformerBlocks.buffers("roberta"),
    classPrefixes: ["Roberta", "XLMRoberta", "Camembert"],
    partsOfClass: [
      "Model": [.pooler],
      "ForMaskedLM": [.maskedLanguageModel],
      "ForSequenceClassification": [.classifier],
      "ForTokenClassification": [.tokenClassifier],
      "ForQuestionAnswering": [.questionAnswering],
    ])

  private static let robertaPredictions =
    TensorPattern.dense("lm_head.dense", from: .hidden, to: .hidden, .maskedLanguageModel)
    + TensorPattern.norm("lm_head.layer_norm", .hidden, .maskedLanguageModel)
    + [TensorPattern("lm_head.bias", [.vocabulary], .maskedLanguageModel)]
    + TensorPattern.dense("lm_head.decoder", from: .hidden, to: .vocabulary, .maskedLanguageModel)
}

extension TensorFlowVariables {
  static let roberta = TensorFlowVariables(
    names: transformer("roberta")
      + dense("roberta/pooler/dense", "roberta.pooler.dense")
      + dense("classifier/dense", "classifier.dense")
      + dense("classifier/out_proj", "classifier.out_proj")
      + dense("classifier", "classifier")
      + dense("qa_outputs", "qa_outputs")
      + dense("lm_head/dense", "lm_head.dense")
      + norm("lm_head/layer_norm", "lm_head.layer_norm")
      + [("lm_head/bias", "lm_head.bias")],
    copyingGroups: ["lm_head"], tiedPath: "roberta/embeddings/")
}
