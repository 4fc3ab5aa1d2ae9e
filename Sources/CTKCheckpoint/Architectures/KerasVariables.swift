/// The names that KerasHub's models give an architecture's canonical tensors.
package struct KerasVariables: Sendable {
  /// One tensor in both forms of Keras 3 files, without what stands before the model's own part.
  package struct Line: Sendable {
    /// In `.weights.h5`: attributes and numbered classes, and the number of the variable.
    package let path: String
    /// In whole-model `.h5`: layer names and a leaf.
    package let layer: String
    package let target: String
    let operation: TensorOperation

    init(
      _ path: String, _ layer: String, _ target: String, _ operation: TensorOperation = .copy
    ) {
      self.path = path
      self.layer = layer
      self.target = target
      self.operation = operation
    }
  }

  package let backbone: [Line]
  package let heads: [Line]
  /// Canonical tables that KerasHub's model does without, which is a table of zeros.
  var zeroTargets: [String] = []

  static func dense(_ path: String, _ layer: String, _ target: String) -> [Line] {
    [
      Line(path + "/0", layer + "/kernel", target + ".weight", .transpose),
      Line(path + "/1", layer + "/bias", target + ".bias"),
    ]
  }

  static func norm(_ path: String, _ layer: String, _ target: String) -> [Line] {
    [
      Line(path + "/0", layer + "/gamma", target + ".weight"),
      Line(path + "/1", layer + "/beta", target + ".bias"),
    ]
  }

  static func table(
    _ path: String, _ layer: String, _ target: String, _ operation: TensorOperation = .copy
  ) -> [Line] {
    [Line(path + "/0", layer + "/embeddings", target + ".weight", operation)]
  }

  /// The canonical names of one encoder layer's modules.
  struct LayerTargets {
    let query, key, value, attentionOutput, attentionNorm, intermediate, output, outputNorm: String
  }

  /// KerasHub's `TransformerEncoder`.
  static func encoder(_ targets: LayerTargets) -> [Line] {
    let (path, layer) = ("transformer_encoder{_layer}/", "transformer_layer_{layer}/")
    let (attentionPath, attentionLayer) = (
      path + "self_attention_layer/", layer + "self_attention_layer/"
    )
    let projections = [("query", targets.query), ("key", targets.key), ("value", targets.value)]
    return projections.flatMap { name, target in
      [
        Line(
          attentionPath + name + "_dense/0", attentionLayer + name + "/kernel", target + ".weight",
          .transposeHeadsOut),
        Line(
          attentionPath + name + "_dense/1", attentionLayer + name + "/bias", target + ".bias",
          .flattenHeads),
      ]
    } + [
      Line(
        attentionPath + "output_dense/0", attentionLayer + "attention_output/kernel",
        targets.attentionOutput + ".weight", .transposeHeadsIn),
      Line(
        attentionPath + "output_dense/1", attentionLayer + "attention_output/bias",
        targets.attentionOutput + ".bias"),
    ]
      + norm(
        path + "self_attention_layer_norm", layer + "self_attention_layer_norm",
        targets.attentionNorm)
      + dense(
        path + "feedforward_intermediate_dense", layer + "feedforward_intermediate_dense",
        targets.intermediate)
      + dense(
        path + "feedforward_output_dense", layer + "feedforward_output_dense", targets.output)
      + norm(
        path + "feedforward_layer_norm", layer + "feedforward_layer_norm", targets.outputNorm)
  }

  /// The encoder layers of `TransformerBlocks`.
  static func transformer(_ base: String) -> [Line] {
    let layer = base + ".encoder.layer.{layer}."
    return encoder(
      LayerTargets(
        query: layer + "attention.self.query", key: layer + "attention.self.key",
        value: layer + "attention.self.value",
        attentionOutput: layer + "attention.output.dense",
        attentionNorm: layer + "attention.output.LayerNorm",
        intermediate: layer + "intermediate.dense", output: layer + "output.dense",
        outputNorm: layer + "output.LayerNorm"))
  }

  /// Word, position and token type tables as layers of their own.
  static func separateEmbeddings(_ base: String) -> [Line] {
    let name = base + ".embeddings."
    return table("reversible_embedding", "token_embedding", name + "word_embeddings")
      + table("position_embedding", "position_embedding", name + "position_embeddings")
      + table("embedding", "segment_embedding", name + "token_type_embeddings")
      + norm("layer_normalization", "embeddings_layer_norm", name + "LayerNorm")
  }

  /// Word and position tables in one layer.
  static func joinedEmbeddings(
    _ base: String, layer: String, positions: TensorOperation = .copy
  ) -> [Line] {
    let (path, name) = ("token_and_position_embedding/", base + ".embeddings.")
    return table(path + "token_embedding", layer + "/token_embedding", name + "word_embeddings")
      + table(
        path + "position_embedding", layer + "/position_embedding", name + "position_embeddings",
        positions)
      + norm("layer_normalization", "embeddings_layer_norm", name + "LayerNorm")
  }

  /// KerasHub's `MaskedLMHead`.
  static func predictions(dense name: String, norm normName: String, bias: String) -> [Line] {
    dense("masked_lm_head/intermediate_dense", "mlm_head/intermediate_dense", name)
      + norm(
        "masked_lm_head/intermediate_layer_norm", "mlm_head/intermediate_layer_norm", normName)
      + [Line("masked_lm_head/0", "mlm_head/output_bias", bias)]
  }
}

extension KerasVariables {
  static let bert = KerasVariables(
    backbone: separateEmbeddings("bert") + transformer("bert")
      + dense("dense", "pooled_dense", "bert.pooler.dense"),
    heads: dense("dense", "logits", "classifier")
      + predictions(
        dense: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
        bias: "cls.predictions.bias"))

  static let roberta = KerasVariables(
    backbone: joinedEmbeddings("roberta", layer: "embeddings", positions: .prependPadding)
      + transformer("roberta"),
    heads: dense("dense", "pooled_dense", "classifier.dense")
      + dense("dense_1", "logits", "classifier.out_proj")
      + predictions(dense: "lm_head.dense", norm: "lm_head.layer_norm", bias: "lm_head.bias"),
    zeroTargets: ["roberta.embeddings.token_type_embeddings.weight"])

  /// KerasHub's pooler has no place in ELECTRA.
  static let electra = KerasVariables(
    backbone: separateEmbeddings("electra") + transformer("electra")
      + dense("dense", "embeddings_projection", "electra.embeddings_project"),
    heads: [])

  static let distilbert: KerasVariables = {
    let layer = "distilbert.transformer.layer.{layer}."
    return KerasVariables(
      backbone: joinedEmbeddings("distilbert", layer: "token_and_position_embedding")
        + encoder(
          LayerTargets(
            query: layer + "attention.q_lin", key: layer + "attention.k_lin",
            value: layer + "attention.v_lin", attentionOutput: layer + "attention.out_lin",
            attentionNorm: layer + "sa_layer_norm", intermediate: layer + "ffn.lin1",
            output: layer + "ffn.lin2", outputNorm: layer + "output_layer_norm")),
      heads: dense("dense", "pooled_dense", "pre_classifier")
        + dense("dense_1", "logits", "classifier")
        + predictions(
          dense: "vocab_transform", norm: "vocab_layer_norm", bias: "vocab_projector.bias"))
  }()

  static let xlnet: KerasVariables = {
    let (path, layer) = ("xl_net_encoder{_layer}/", "xlnet_encoder_{layer}/")
    let target = "transformer.layer.{layer}."
    let projections = [
      ("query_dense", "query", "q"), ("key_dense", "key", "k"), ("value_dense", "value", "v"),
      ("output_dense", "attention_output", "o"), ("encoding_dense", "encoding", "r"),
    ].map { attribute, name, canonical in
      Line(
        path + "relative_attention/" + attribute + "/0", layer + "rel_attn/" + name + "/kernel",
        target + "rel_attn." + canonical)
    }
    let parameters = [
      ("content_attention_bias", "r_w_bias"), ("positional_attention_bias", "r_r_bias"),
      ("segment_attention_bias", "r_s_bias"), ("segment_encoding", "seg_embed"),
    ].enumerated().map { number, names in
      Line(path + String(number), layer + names.0, target + "rel_attn." + names.1)
    }
    return KerasVariables(
      backbone: table(
        "content_and_query_embedding/word_embed", "content_query_embedding/word_embedding",
        "transformer.word_embedding")
        + [
          Line(
            "xl_net_attention_mask_layer/0", "encoder_block_attn_mask_layer/mask_emb",
            "transformer.mask_emb")
        ] + projections + parameters
        + norm(path + "layer_norm", layer + "layer_norm_rel_attn", target + "rel_attn.layer_norm")
        + norm(path + "layer_norm_ff", layer + "layer_norm_ff", target + "ff.layer_norm")
        + dense(
          path + "feedforward_intermediate_dense", layer + "feedforward_intermediate_dense",
          target + "ff.layer_1")
        + dense(
          path + "feedforward_output_dense", layer + "feedforward_output_dense",
          target + "ff.layer_2"),
      heads: [])
  }()
}
