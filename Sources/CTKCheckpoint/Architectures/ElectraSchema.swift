import CTKCore

extension ArchitectureSchema {
  /// ELECTRA, discriminator and generator.
  package static let electra = ArchitectureSchema(
    architecture: .electra,
    basePrefix: "electra",
    tensors: TransformerBlocks.embeddings("electra", width: .embedding)
      + TensorPattern.dense(
        "electra.embeddings_project", from: .embedding, to: .hidden, .embeddingProjection)
      + TransformerBlocks.layers("electra")
      + TransformerBlocks.classificationHead
      + TransformerBlocks.tokenClassifier
      + electraDiscriminator
      + electraGenerator
      + TransformerBlocks.questionAnswering,
    tied: [
      TiedName(
        alias: "generator_lm_head.weight", owner: "electra.embeddings.word_embeddings.weight")
    ],
    tensorFlow: .electra,
    keras: .electra,
    buffers: TransformerBlocks.buffers("electra"),
    classPrefixes: ["Electra"],
    partsOfClass: [
      "Model": [],
      "ForPreTraining": [.replacedTokens],
      "ForMaskedLM": [.maskedLanguageModel],
      "ForSequenceClassification": [.classifier],
      "ForTokenClassification": [.tokenClassifier],
      "ForQuestionAnswering": [.questionAnswering],
    ])

  private static let electraDiscriminator =
    TensorPattern.dense(
      "discriminator_predictions.dense", from: .hidden, to: .hidden, .replacedTokens)
    + TensorPattern.dense(
      "discriminator_predictions.dense_prediction", from: .hidden, to: .fixed(1), .replacedTokens)

  private static let electraGenerator =
    TensorPattern.norm("generator_predictions.LayerNorm", .embedding, .maskedLanguageModel)
    + TensorPattern.dense(
      "generator_predictions.dense", from: .hidden, to: .embedding, .maskedLanguageModel)
    + TensorPattern.dense(
      "generator_lm_head", from: .embedding, to: .vocabulary, .maskedLanguageModel)
}

extension TensorFlowVariables {
  static let electra = TensorFlowVariables(
    names: transformer("electra")
      + dense("electra/embeddings_project", "electra.embeddings_project")
      + dense("classifier/dense", "classifier.dense")
      + dense("classifier/out_proj", "classifier.out_proj")
      + dense("classifier", "classifier")
      + dense("qa_outputs", "qa_outputs")
      + dense("discriminator_predictions/dense", "discriminator_predictions.dense")
      + dense(
        "discriminator_predictions/dense_prediction", "discriminator_predictions.dense_prediction")
      + norm("generator_predictions/LayerNorm", "generator_predictions.LayerNorm")
      + dense("generator_predictions/dense", "generator_predictions.dense")
      + [("generator_lm_head/bias", "generator_lm_head.bias")],
    copyingGroups: ["generator_lm_head"], tiedPath: "electra/embeddings/")
}
