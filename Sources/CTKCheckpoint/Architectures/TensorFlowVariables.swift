/// The TensorFlow names of an architecture's canonical tensors.
package struct TensorFlowVariables: Sendable {
  package typealias Line = (name: String, target: String)

  /// Kernels are stored as [in, out]; everything else as in PyTorch.
  package let names: [Line]
  /// Layer groups that repeat the embeddings their head is tied to.
  let copyingGroups: Set<Substring>
  /// What the names of those embeddings begin with.
  let tiedPath: String

  /// Kernel and bias of a dense layer.
  static func dense(_ path: String, _ name: String) -> [Line] {
    [(path + "/kernel", name + ".weight"), (path + "/bias", name + ".bias")]
  }

  /// Scale and shift of a layer normalisation.
  static func norm(_ path: String, _ name: String) -> [Line] {
    [(path + "/gamma", name + ".weight"), (path + "/beta", name + ".bias")]
  }

  /// The lines of `TransformerBlocks`.
  static func transformer(_ base: String) -> [Line] {
    let (path, name) = (base + "/embeddings/", base + ".embeddings.")
    return [
      (path + "word_embeddings/weight", name + "word_embeddings.weight"),
      (path + "position_embeddings/embeddings", name + "position_embeddings.weight"),
      (path + "token_type_embeddings/embeddings", name + "token_type_embeddings.weight"),
    ] + norm(path + "LayerNorm", name + "LayerNorm")
      + layers(base + "/encoder/layer_._{layer}/", base + ".encoder.layer.{layer}.")
  }

  /// The lines of one layer, or of all by the mark `{layer}`.
  static func layers(_ path: String, _ name: String) -> [Line] {
    let projections = ["query", "key", "value"].flatMap { part in
      dense(path + "attention/self/" + part, name + "attention.self." + part)
    }
    return projections
      + dense(path + "attention/output/dense", name + "attention.output.dense")
      + norm(path + "attention/output/LayerNorm", name + "attention.output.LayerNorm")
      + dense(path + "intermediate/dense", name + "intermediate.dense")
      + dense(path + "output/dense", name + "output.dense")
      + norm(path + "output/LayerNorm", name + "output.LayerNorm")
  }
}
