/// The TensorFlow names of an architecture's canonical tensors.
package struct TensorFlowVariables: Sendable {
  /// Kernels are stored as [in, out]; everything else as in PyTorch.
  package let names: [(name: String, target: String)]
  /// Layer groups that repeat the embeddings their head is tied to.
  let copyingGroups: Set<Substring>
}
