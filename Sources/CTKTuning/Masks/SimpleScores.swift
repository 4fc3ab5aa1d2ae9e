package import CTKCore
package import CTKModel
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

/// Scores that need no gradient.
package struct SimpleScores {
  private let layout: ParameterLayout
  private let scored: [ParameterID]

  package init(layout: ParameterLayout, scored: [ParameterID]) {
    self.layout = layout
    self.scored = scored
  }

  /// Absolute values of the weights.
  package func magnitudes(_ parameters: ParameterVector) -> WeightScores {
    fill { id, target in
      let weights = parameters.pointer(id)
      for index in 0..<layout[id].count { target[index] = abs(weights[index]) }
    }
  }

  /// Independent uniform numbers.
  package func random(seed: UInt64) -> WeightScores {
    fill { id, target in
      var random = CounterRandom(seed, 0x6D61_736B, UInt64(id.index))
      for index in 0..<layout[id].count { target[index] = Float(random.unit()) }
    }
  }

  /// Absolute differences between a tuned model's weights and the base's.
  ///
  /// - Throws: `tensor.missing` and `tensor.shape-mismatch` where the tuned model has no such
  ///   weight, and the codes of reading it.
  package func changes(
    _ base: ParameterVector, tuned: any TensorSource
  ) throws(TuningError) -> WeightScores {
    do {
      return try fill { id, target in
        let parameter = layout[id]
        let info = try tuned.requireInfo(of: parameter.name)
        guard info.shape == parameter.shape else {
          throw TensorError(
            .shapeMismatch,
            "the tuned model's '\(parameter.name)' has shape \(info.shape), "
              + "the base's \(parameter.shape)")
        }
        try tuned.withTensorBytes(parameter.name) {
          try FloatDecoding.decode($0, info: info, into: target)
        }
        let weights = base.pointer(id)
        for index in 0..<parameter.count { target[index] = abs(target[index] - weights[index]) }
      }
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error)
    } catch {
      throw TuningError(wrapping: CoreError(.fileUnreadable, "\(error)"))
    }
  }

  private func fill(
    _ body: (ParameterID, UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows -> WeightScores {
    let values = FloatBuffer(count: scored.map { layout[$0].count }.reduce(0, +))
    var start = 0
    for id in scored {
      try body(id, values.base + start)
      start += layout[id].count
    }
    return WeightScores(scored: scored, values: values)
  }
}
