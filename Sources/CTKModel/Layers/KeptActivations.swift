/// What a workspace has room for of a forward pass.
package enum KeptActivations: Sendable {
  /// Everything that backward needs.
  case all
  /// The input of each layer: backward runs the layer forward again before it goes back
  /// through it. Counter-based dropout draws the same entries, so the gradients keep their bits.
  case layerInputs
  /// What the next layer needs and no more, for evaluation.
  case none
}
