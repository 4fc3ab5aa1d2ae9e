package import CTKCore
package import CTKTensor

/// The weights of a network in memory, in the order of a layout.
package final class ParameterVector: Sendable {
  package let layout: ParameterLayout
  package let storage: FloatBuffer

  package init(layout: ParameterLayout) {
    self.layout = layout
    storage = FloatBuffer(count: layout.count)
  }

  /// The parameter's first float.
  package func pointer(_ id: ParameterID) -> UnsafeMutablePointer<Float> {
    storage.base + layout[id].offset
  }

  /// The parameter as rows and columns.
  package func matrix(_ id: ParameterID) -> Matrix {
    Matrix(pointer(id), rows: layout[id].rows, columns: layout[id].columns)
  }

  /// Several neighbouring matrices of equal width as one.
  package func stacked(_ first: ParameterID, count: Int) -> Matrix {
    Matrix(pointer(first), rows: layout[first].rows * count, columns: layout[first].columns)
  }

  /// The parameter's values; for tests and export.
  package func array(_ id: ParameterID) -> [Float] {
    Array(UnsafeBufferPointer(start: pointer(id), count: layout[id].count))
  }

  /// Fills every parameter the source has and tells which it lacks.
  ///
  /// - Throws: `tensor.shape-mismatch`, `tensor.not-float`, and the source's errors.
  package func load(from source: any TensorSource) throws -> [ParameterID] {
    var missing: [ParameterID] = []
    for id in layout.allIDs {
      let parameter = layout[id]
      guard let info = source.info(of: parameter.name) else {
        missing.append(id)
        continue
      }
      guard info.shape == parameter.shape else {
        throw TensorError(
          .shapeMismatch,
          "tensor '\(parameter.name)' has shape \(info.shape), expected \(parameter.shape)")
      }
      try source.withTensorBytes(parameter.name) {
        try FloatDecoding.decode($0, info: info, into: pointer(id))
      }
    }
    return missing
  }

  /// Draws a fresh parameter: normal with the given deviation for matrices,
  /// ones for normalisation scales, zeros otherwise.
  package func initialize(_ id: ParameterID, deviation: Float, random: CounterRandom) {
    var random = random
    let target = pointer(id)
    for index in 0..<layout[id].count {
      switch layout[id].role {
      case .embedding, .matrix: target[index] = Float(random.normal()) * deviation
      case .normScale: target[index] = 1
      case .bias, .normShift: target[index] = 0
      }
    }
  }
}
