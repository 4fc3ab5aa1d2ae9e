import CTKCore

/// Models whose weights resemble those that ctk imports and are not.
enum ForeignModel {
  private struct Sign {
    /// A component that no supported model's names have.
    let component: Substring
    let model: String
  }

  private static let signs = [
    Sign(component: "inner_group_0", model: "ALBERT"),
    Sign(component: "albert_layer_groups", model: "ALBERT"),
    Sign(component: "bottleneck", model: "MobileBERT"),
    Sign(component: "SelfAttention", model: "T5"),
    Sign(component: "c_attn", model: "GPT-2"),
    Sign(component: "rel_embeddings", model: "DeBERTa"),
  ]

  /// - Throws: `import.architecture-unsupported`, naming the model and the tensor that shows it.
  static func refuse(_ names: some Sequence<String>) throws(CheckpointError) {
    for name in names {
      let components = name.split { $0 == "/" || $0 == "." }
      if let sign = signs.first(where: { components.contains($0.component) }) {
        throw CheckpointError(
          .architectureUnsupported,
          "'\(name)' belongs to \(sign.model), which ctk does not support",
          hint: "ctk imports BERT, RoBERTa, ELECTRA, XLNet and DistilBERT")
      }
      if name.hasSuffix("/.ATTRIBUTES/VARIABLE_VALUE") {
        throw CheckpointError(
          .architectureUnsupported,
          "'\(name)' is named by the objects of a Keras program, not by a model's variables",
          hint: "load it with that program and save the weights as HDF5")
      }
    }
  }
}
