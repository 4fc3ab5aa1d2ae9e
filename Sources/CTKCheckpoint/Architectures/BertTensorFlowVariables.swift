extension TensorFlowVariables {
  static let bert = TensorFlowVariables(
    names: [
      ("bert/embeddings/word_embeddings/weight", "bert.embeddings.word_embeddings.weight"),
      (
        "bert/embeddings/position_embeddings/embeddings",
        "bert.embeddings.position_embeddings.weight"
      ),
      (
        "bert/embeddings/token_type_embeddings/embeddings",
        "bert.embeddings.token_type_embeddings.weight"
      ),
    ]
      + layerNorm("bert/embeddings/LayerNorm", "bert.embeddings.LayerNorm")
      + dense(layer + "attention/self/query", bertLayer + "attention.self.query")
      + dense(layer + "attention/self/key", bertLayer + "attention.self.key")
      + dense(layer + "attention/self/value", bertLayer + "attention.self.value")
      + dense(layer + "attention/output/dense", bertLayer + "attention.output.dense")
      + layerNorm(layer + "attention/output/LayerNorm", bertLayer + "attention.output.LayerNorm")
      + dense(layer + "intermediate/dense", bertLayer + "intermediate.dense")
      + dense(layer + "output/dense", bertLayer + "output.dense")
      + layerNorm(layer + "output/LayerNorm", bertLayer + "output.LayerNorm")
      + dense("bert/pooler/dense", "bert.pooler.dense")
      + dense("classifier", "classifier")
      + dense("qa_outputs", "qa_outputs")
      + dense("mlm___cls/predictions/transform/dense", "cls.predictions.transform.dense")
      + layerNorm(
        "mlm___cls/predictions/transform/LayerNorm", "cls.predictions.transform.LayerNorm")
      + [("mlm___cls/predictions/bias", "cls.predictions.bias")]
      + dense("nsp___cls/seq_relationship", "cls.seq_relationship"),
    copyingGroups: ["mlm___cls"])

  private static let layer = "bert/encoder/layer_._{layer}/"
  private static let bertLayer = "bert.encoder.layer.{layer}."

  private static func dense(_ path: String, _ name: String) -> [(name: String, target: String)] {
    [(path + "/kernel", name + ".weight"), (path + "/bias", name + ".bias")]
  }

  private static func layerNorm(
    _ path: String, _ name: String
  ) -> [(name: String, target: String)] {
    [(path + "/gamma", name + ".weight"), (path + "/beta", name + ".bias")]
  }
}
