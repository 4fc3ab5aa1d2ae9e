import CTKCore

extension ArchitectureSchema {
  /// BERT as transformers names it.
  package static let bert = ArchitectureSchema(
    architecture: .bert,
    basePrefix: "bert",
    tensors: bertEmbeddings + bertLayer + bertPooler + bertHeads,
    tied: [
      TiedName(
        alias: "cls.predictions.decoder.weight", owner: "bert.embeddings.word_embeddings.weight"),
      TiedName(alias: "cls.predictions.decoder.bias", owner: "cls.predictions.bias"),
    ],
    tensorFlow: .bert,
    buffers: ["bert.embeddings.position_ids", "bert.embeddings.token_type_ids"],
    partsOfClass: [
      "BertModel": [.pooler],
      "BertForPreTraining": [.pooler, .maskedLanguageModel, .nextSentence],
      "BertForMaskedLM": [.maskedLanguageModel],
      "BertForNextSentencePrediction": [.pooler, .nextSentence],
      "BertForSequenceClassification": [.pooler, .classifier],
      "BertForTokenClassification": [.classifier],
      "BertForQuestionAnswering": [.questionAnswering],
    ])

  private static let bertEmbeddings = [
    TensorPattern(
      "bert.embeddings.word_embeddings.weight", [.vocabulary, .hidden], .embeddings),
    TensorPattern(
      "bert.embeddings.position_embeddings.weight", [.positions, .hidden], .embeddings),
    TensorPattern(
      "bert.embeddings.token_type_embeddings.weight", [.tokenTypes, .hidden], .embeddings),
    TensorPattern("bert.embeddings.LayerNorm.weight", [.hidden], .embeddings),
    TensorPattern("bert.embeddings.LayerNorm.bias", [.hidden], .embeddings),
  ]

  private static let bertLayer = [
    layer("attention.self.query.weight", [.hidden, .hidden]),
    layer("attention.self.query.bias", [.hidden]),
    layer("attention.self.key.weight", [.hidden, .hidden]),
    layer("attention.self.key.bias", [.hidden]),
    layer("attention.self.value.weight", [.hidden, .hidden]),
    layer("attention.self.value.bias", [.hidden]),
    layer("attention.output.dense.weight", [.hidden, .hidden]),
    layer("attention.output.dense.bias", [.hidden]),
    layer("attention.output.LayerNorm.weight", [.hidden]),
    layer("attention.output.LayerNorm.bias", [.hidden]),
    layer("intermediate.dense.weight", [.intermediate, .hidden]),
    layer("intermediate.dense.bias", [.intermediate]),
    layer("output.dense.weight", [.hidden, .intermediate]),
    layer("output.dense.bias", [.hidden]),
    layer("output.LayerNorm.weight", [.hidden]),
    layer("output.LayerNorm.bias", [.hidden]),
  ]

  private static let bertPooler = [
    TensorPattern("bert.pooler.dense.weight", [.hidden, .hidden], .pooler),
    TensorPattern("bert.pooler.dense.bias", [.hidden], .pooler),
  ]

  private static let bertHeads = [
    TensorPattern("classifier.weight", [.labels, .hidden], .classifier),
    TensorPattern("classifier.bias", [.labels], .classifier),
    predictions("transform.dense.weight", [.hidden, .hidden]),
    predictions("transform.dense.bias", [.hidden]),
    predictions("transform.LayerNorm.weight", [.hidden]),
    predictions("transform.LayerNorm.bias", [.hidden]),
    predictions("bias", [.vocabulary]),
    predictions("decoder.weight", [.vocabulary, .hidden]),
    predictions("decoder.bias", [.vocabulary]),
    TensorPattern("cls.seq_relationship.weight", [.fixed(2), .hidden], .nextSentence),
    TensorPattern("cls.seq_relationship.bias", [.fixed(2)], .nextSentence),
    TensorPattern("qa_outputs.weight", [.fixed(2), .hidden], .questionAnswering),
    TensorPattern("qa_outputs.bias", [.fixed(2)], .questionAnswering),
  ]

  private static func layer(_ rest: String, _ shape: [Extent]) -> TensorPattern {
    TensorPattern("bert.encoder.layer.{layer}.\(rest)", shape, .encoder)
  }

  private static func predictions(_ rest: String, _ shape: [Extent]) -> TensorPattern {
    TensorPattern("cls.predictions.\(rest)", shape, .maskedLanguageModel)
  }
}
