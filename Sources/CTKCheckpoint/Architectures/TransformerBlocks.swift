/// The embeddings and layers that BERT, RoBERTa and ELECTRA name alike.
enum TransformerBlocks {
  static func embeddings(_ base: String, width: Extent) -> [TensorPattern] {
    TensorPattern.table(base + ".embeddings.word_embeddings", rows: .vocabulary, width: width)
      + TensorPattern.table(
        base + ".embeddings.position_embeddings", rows: .positions, width: width)
      + TensorPattern.table(
        base + ".embeddings.token_type_embeddings", rows: .tokenTypes, width: width)
      + TensorPattern.norm(base + ".embeddings.LayerNorm", width, .embeddings)
  }

  static func layers(_ base: String) -> [TensorPattern] {
    let layer = base + ".encoder.layer.{layer}."
    let projections = ["query", "key", "value"].flatMap { name in
      dense(layer + "attention.self." + name, from: .hidden, to: .hidden)
    }
    return projections
      + dense(layer + "attention.output.dense", from: .hidden, to: .hidden)
      + TensorPattern.norm(layer + "attention.output.LayerNorm", .hidden, .encoder)
      + dense(layer + "intermediate.dense", from: .hidden, to: .intermediate)
      + dense(layer + "output.dense", from: .intermediate, to: .hidden)
      + TensorPattern.norm(layer + "output.LayerNorm", .hidden, .encoder)
  }

  /// Buffers of indices that older versions of transformers saved.
  static func buffers(_ base: String) -> Set<String> {
    [base + ".embeddings.position_ids", base + ".embeddings.token_type_ids"]
  }

  /// A head of a dense layer and an output layer, as RoBERTa and ELECTRA classify with.
  static var classificationHead: [TensorPattern] {
    TensorPattern.dense("classifier.dense", from: .hidden, to: .hidden, .classifier)
      + TensorPattern.dense("classifier.out_proj", from: .hidden, to: .labels, .classifier)
  }

  static var tokenClassifier: [TensorPattern] {
    TensorPattern.dense("classifier", from: .hidden, to: .labels, .tokenClassifier)
  }

  static var questionAnswering: [TensorPattern] {
    TensorPattern.dense("qa_outputs", from: .hidden, to: .fixed(2), .questionAnswering)
  }

  private static func dense(
    _ name: String, from inputs: Extent, to outputs: Extent
  ) -> [TensorPattern] {
    TensorPattern.dense(name, from: inputs, to: outputs, .encoder)
  }
}
