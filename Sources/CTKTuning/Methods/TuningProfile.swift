package import CTKModel

/// How Child-Tuning is carried out where its publication and its authors' code differ.
package enum TuningProfile: String, Sendable, CaseIterable {
  /// The published definition: outside the child nothing moves.
  case paper
  /// The authors' released code with its quirks.
  case reference

  /// How Child-Tuning-D chooses its child, unless told otherwise.
  package var maskPreset: MaskRecipe.Preset { self == .paper ? .paper : .reference }

  /// Whether Child-Tuning-D clips by the norm of the whole network's gradient, trains all
  /// that is out of scope, and decays what is not in the child.
  package var movesWholeNetwork: Bool { self == .reference }

  /// Whether a resumed run chooses its child anew, at the weights it resumes from.
  package var recomputesMask: Bool { self == .reference }

  /// Warm-up when none is given; the authors' trainers never read the option.
  package func warmup(of method: TuningMethod) -> Double {
    let isChild = method.contains(.childD) || method.contains(.childF)
    return self == .reference && isChild ? 0 : 0.1
  }

  /// How equations of the optimizer are rounded.
  package var adamForm: AdamW.Form { self == .paper ? .torch : .original }

  /// Whether AdamW decays a parameter.
  ///
  /// The authors' code goes by names: it spares biases, and the normalisations that are
  /// called `LayerNorm`.
  package func decays(_ parameter: Parameter) -> Bool {
    switch self {
    case .paper: parameter.role.decays
    case .reference:
      !parameter.name.contains("bias") && !parameter.name.contains("LayerNorm.weight")
    }
  }
}
