import CTKCore
package import CTKModel
package import CTKPatch

extension TrainablePlan {
  /// What a method trains: everything, or a mask's child besides the dense tensors.
  ///
  /// - Parameter dense: a regular expression over parameter names.
  /// - Parameter initialized: parameters that the base lacks; they always train.
  /// - Throws: `mask.wrong-base` when a masked tensor is not the network's, and
  ///   `options.pattern-invalid`.
  package static func of(
    _ layout: ParameterLayout, method: FinetuneMethod, mask: ParameterMask?, dense: String,
    initialized: [ParameterID]
  ) throws(TuningError) -> TrainablePlan {
    guard method != .vanilla, let mask else {
      return TrainablePlan(layout: layout, child: [:], dense: Set(layout.allIDs))
    }
    var child: [ParameterID: [UInt32]] = [:]
    for tensor in mask.tensors {
      guard let id = layout.id(of: tensor.name), layout[id].shape == tensor.shape else {
        throw maskMismatch("the model has no tensor '\(tensor.name)' of shape \(tensor.shape)")
      }
      child[id] = tensor.positions
    }
    let names = try NamePatternMatcher(dense)
    return TrainablePlan(
      layout: layout, child: child,
      dense: Set(layout.allIDs.filter { names.matches(layout[$0].name) } + initialized))
  }

  private static func maskMismatch(_ what: String) -> TuningError {
    TuningError(
      .maskWrongBase, "the mask belongs to another base: \(what)",
      hint: "make a mask for this base with ctk mask")
  }
}
