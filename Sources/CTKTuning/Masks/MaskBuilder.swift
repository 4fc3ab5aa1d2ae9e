package import CTKCore
package import CTKModel
package import CTKPatch
package import CTKTensor

/// Scores of the weights in scope, in layout order, one vector for all.
package struct WeightScores {
  package let scored: [ParameterID]
  package let values: FloatBuffer

  package init(scored: [ParameterID], values: FloatBuffer) {
    self.scored = scored
    self.values = values
  }
}

/// Chooses the child network: exactly the k best weights over all tensors in scope.
package struct MaskBuilder {
  private let layout: ParameterLayout

  package init(layout: ParameterLayout) { self.layout = layout }

  /// - Parameter keep: share of the scored weights, above 0 and at most 1.
  /// - Throws: `mask.keep-invalid`, `mask.empty-scope`, `tuning.not-finite`, and `mask.invalid`.
  package func mask(
    _ scores: WeightScores, keep: Double, score: MaskScore, baseFingerprint: Digest,
    provenance: Provenance
  ) throws(TuningError) -> ParameterMask {
    let count = scores.values.count
    try validate(scores, keep: keep)
    let whole = UnsafeBufferPointer(start: UnsafePointer(scores.values.base), count: count)
    var threshold = ChildSelection.threshold(
      whole, choosing: ChildSelection.selectedCount(keep: keep, of: count), score.order)
    var tensors: [MaskedTensor] = []
    var start = 0
    for id in scores.scored {
      let part = UnsafeBufferPointer(rebasing: whole[start..<start + layout[id].count])
      start += layout[id].count
      let positions = threshold.choose(part)
      tensors.append(try masked(layout[id], positions, part))
    }
    return try TuningError.wrap { () throws(PatchError) in
      try ParameterMask(
        tensors: tensors, baseFingerprint: baseFingerprint, scored: count, keep: keep,
        score: score.rawValue, provenance: provenance)
    }
  }

  private func validate(_ scores: WeightScores, keep: Double) throws(TuningError) {
    guard keep > 0, keep <= 1 else {
      throw TuningError(.keepInvalid, "--keep is \(keep), it must be above 0 and at most 1")
    }
    guard scores.values.count > 0 else {
      throw TuningError(
        .maskEmpty, "the scope selects no tensor",
        hint: "ctk inspect lists the tensor names that --scope is matched with")
    }
    let values = UnsafeBufferPointer(start: scores.values.base, count: scores.values.count)
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

  /// Absolute values of the weights as scores.
  package func magnitudes(_ parameters: ParameterVector, scored: [ParameterID]) -> WeightScores {
    fill(scored) { id, target in
      let weights = parameters.pointer(id)
      for index in 0..<layout[id].count { target[index] = abs(weights[index]) }
    }
  }

  /// Independent uniform scores.
  package func random(seed: UInt64, scored: [ParameterID]) -> WeightScores {
    fill(scored) { id, target in
      var random = CounterRandom(seed, 0x6D61_736B, UInt64(id.index))
      for index in 0..<layout[id].count { target[index] = Float(random.unit()) }
    }
  }

  private func fill(
    _ scored: [ParameterID], _ body: (ParameterID, UnsafeMutablePointer<Float>) -> Void
  ) -> WeightScores {
    let values = FloatBuffer(count: scored.map { layout[$0].count }.reduce(0, +))
    var start = 0
    for id in scored {
      body(id, values.base + start)
      start += layout[id].count
    }
    return WeightScores(scored: scored, values: values)
  }
}
