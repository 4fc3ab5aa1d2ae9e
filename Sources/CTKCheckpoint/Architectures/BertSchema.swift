import CTKCore

extension ArchitectureSchema {
  package static let bert = ArchitectureSchema(
    architecture: .bert,
    basePrefix: "bert",
    tensors: TransformerBlocks.embeddings("bert", width: .hidden)
      + TransformerBlocks.layers("bert")
      + TensorPattern.dense("bert.pooler.dense", from: .hidden, to: .hidden, .pooler)
      + TensorPattern.dense("classifier", from: .hidden, to: .labels, .classifier)
      + bertPredictions
      + TensorPattern.dense("cls.seq_relationship", from: .hidden, to: .fixed(2), .nextSentence)
      + TransformerBlocks.questionAnswering,
    tied: [
      TiedName(
        alias: "cls.predictions.decoder.weight", owner: "bert.embeddings.word_embeddings.weight"),
      TiedName(alias: "cls.predictions.decoder.bias", owner: "cls.predictions.bias"),
    ],
    tensorFlow: .bert,
    keras: .bert,
    buffers: TransformerBlocks.buffers("bert"),
    classPrefixes: ["Bert"],
    partsOfClass: [
      "Model": [.pooler],
      "ForPreTraining": [.pooler, .maskedLanguageModel, .nextSentence],
      "ForMaskedLM": [.maskedLanguageModel],
      "ForNextSentencePrediction": [.pooler, .nextSentence],
      "ForSequenceClassification": [.pooler, .classifier],
      "ForTokenClassification": [.classifier],
      "ForQuestionAnswering": [.questionAnswering],
    ])

  private static let bertPredictions =
    TensorPattern.dense(
      "cls.predictions.transform.dense", from: .hidden, to: .hidden, .maskedLanguageModel)
    + TensorPattern.norm(
      "cls.predictions.transform.LayerNorm", .hidden, .maskedLanguageModel)
    + [TensorPattern("cls.predictions.bias", [.vocabulary], .maskedLanguageModel)]
    + TensorPattern.dense(
      "cls.predictions.decoder", from: .hidden, to: .vocabulary, .maskedLanguageModel)
}

extension TensorFlowVariables {
  static let bert = TensorFlowVariables(
    names: transformer("bert")
      + dense("bert/pooler/dense", "bert.pooler.dense")
      + dense("classifier", "classifier")
      + dense("qa_outputs", "qa_outputs")
      + dense("mlm___cls/predictions/transform/dense", "cls.predictions.transform.dense")
      + norm("mlm___cls/predictions/transform/LayerNorm", "cls.predictions.transform.LayerNorm")
      + [("mlm___cls/predictions/bias", "cls.predictions.bias")]
      + dense("nsp___cls/seq_relationship", "cls.seq_relationship"),
    copyingGroups: ["mlm___cls"], tiedPath: "bert/embeddings/")
}
