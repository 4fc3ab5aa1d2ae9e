package import CTKCore
package import CTKModel
package import CTKPatch
import CTKTensor

/// Chooses the child network among scored weights.
package struct MaskBuilder {
  private let layout: ParameterLayout

  package init(layout: ParameterLayout) { self.layout = layout }

  /// The mask that a recipe makes of scores.
  ///
  /// - Throws: `mask.keep-invalid`, `mask.empty-scope`, `tuning.not-finite`, and `mask.invalid`.
  package func mask(
    _ scores: WeightScores, _ recipe: MaskRecipe, baseFingerprint: Digest,
    provenance: Provenance
  ) throws(TuningError) -> ParameterMask {
    try recipe.validate()
    let values = UnsafeBufferPointer(
      start: UnsafePointer(scores.values.base), count: scores.values.count)
    try validate(values)
    let counts = scores.scored.map { layout[$0].count }
    var chooser = MaskChooser(recipe, counts: counts, scores: values)
    var tensors: [MaskedTensor] = []
    var start = 0
    for (place, id) in scores.scored.enumerated() {
      let part = UnsafeBufferPointer(rebasing: values[start..<start + counts[place]])
      start += counts[place]
      tensors.append(try masked(layout[id], chooser.positions(in: part), part))
    }
    var provenance = provenance
    provenance.hyperparameters = recipe.json
    return try TuningError.wrap { () throws(PatchError) in
      try ParameterMask(
        tensors: tensors, baseFingerprint: baseFingerprint, scored: values.count,
        keep: recipe.keep, score: recipe.score.rawValue, provenance: provenance)
    }
  }

  private func validate(_ values: UnsafeBufferPointer<Float>) throws(TuningError) {
    guard !values.isEmpty else {
      throw TuningError(
        .maskEmpty, "the scope selects no tensor",
        hint: "ctk inspect lists the tensor names that --scope is matched with")
    }
    if let place = values.firstIndex(where: { !$0.isFinite }) {
      throw TuningError(.notFinite, "score \(place) is not finite; are the weights sound?")
    }
  }

  private func masked(
    _ parameter: Parameter, _ positions: [UInt32], _ scores: UnsafeBufferPointer<Float>
  ) throws(TuningError) -> MaskedTensor {
    var summary = ScoreSummary()
    summary.total = scores.reduce(0.0) { $0 + Double($1) }
    summary.largest = scores.max().map(Double.init)
    summary.selectedTotal = positions.reduce(0.0) { $0 + Double(scores[Int($1)]) }
    summary.smallestSelected = positions.lazy.map { Double(scores[Int($0)]) }.min()
    return try TuningError.wrap { () throws(PatchError) in
      try MaskedTensor(
        name: parameter.name, shape: parameter.shape, positions: positions, scores: summary)
    }
  }
}
