package import CTKCore
package import CTKTensor

/// The weights of a network in memory.
///
/// A parameter lies in a block of the vector's own, in the order of the layout, or, until
/// `own` copies it there, where the file that it comes from is mapped: processes that work
/// with one base share what none of them changes.
// Sendable is unchecked because places change in `load` and `own` alone, before any other
// thread reads the parameter.
package final class ParameterVector: @unchecked Sendable {
  package let layout: ParameterLayout
  private let storage: FloatBuffer
  /// The first float of each parameter.
  private let places: UnsafeMutableBufferPointer<UnsafeMutablePointer<Float>>
  /// Keeps mapped parameters valid.
  private var source: (any TensorSource)?

  package init(layout: ParameterLayout) {
    self.layout = layout
    storage = FloatBuffer(count: layout.count)
    places = .allocate(capacity: layout.parameters.count)
    for id in layout.allIDs { places[id.index] = storage.base + layout[id].offset }
  }

  deinit { places.deallocate() }

  /// The parameter's first float, to read.
  package func pointer(_ id: ParameterID) -> UnsafeMutablePointer<Float> { places[id.index] }

  /// The parameter's first float, to write.
  package func mutablePointer(_ id: ParameterID) -> UnsafeMutablePointer<Float> {
    precondition(isOwn(id), "the parameter '\(layout[id].name)' is not the vector's own")
    return pointer(id)
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

  /// All values in the order of the layout; for tests.
  package func array() -> [Float] { layout.allIDs.flatMap { array($0) } }

  /// Draws a fresh parameter: normal with the given deviation for matrices,
  /// ones for normalisation scales, zeros otherwise.
  package func initialize(_ id: ParameterID, deviation: Float, random: CounterRandom) {
    var random = random
    own(id)
    let target = mutablePointer(id)
    for index in 0..<layout[id].count {
      switch layout[id].role {
      case .embedding, .matrix: target[index] = Float(random.normal()) * deviation
      case .normScale: target[index] = 1
      case .bias, .normShift: target[index] = 0
      }
    }
  }
}

// MARK: Places

extension ParameterVector {
  /// Floats of the smallest parameter that fills a page, which is what processes share.
  private static let smallestMapped = 1 << 10

  private func isOwn(_ id: ParameterID) -> Bool {
    places[id.index] == storage.base + layout[id].offset
  }

  /// Copies parameters that lie in a file, so that they can be written.
  package func own(_ ids: [ParameterID], by compute: Compute) {
    let borrowed = ids.filter { !isOwn($0) }
    compute.forEach(borrowed.count) { item, _ in own(borrowed[item]) }
  }

  /// Copies a parameter that lies in a file, so that it can be written.
  package func own(_ id: ParameterID) {
    if isOwn(id) { return }
    let copy = storage.base + layout[id].offset
    copy.update(from: pointer(id), count: layout[id].count)
    places[id.index] = copy
    source?.discard(layout[id].name, nil)
  }

  /// Takes the values of another vector of the same layout, all as its own.
  package func copy(_ other: ParameterVector) {
    for id in layout.allIDs {
      own(id)
      mutablePointer(id).update(from: other.pointer(id), count: layout[id].count)
    }
  }

  /// Takes every parameter that the source has and tells which it lacks.
  ///
  /// Large ones that the source holds in memory as f32 stay there.
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
      if let place = place(of: parameter, info, in: source) {
        places[id.index] = place
        self.source = source
        continue
      }
      try source.withTensorBytes(parameter.name) {
        try FloatDecoding.decode($0, info: info, into: mutablePointer(id))
      }
    }
    return missing
  }

  private func place(
    of parameter: Parameter, _ info: TensorInfo, in source: any TensorSource
  ) -> UnsafeMutablePointer<Float>? {
    guard !parameter.isStacked, parameter.count >= Self.smallestMapped, info.dtype == .f32,
      let bytes = source.residentBytes(of: parameter.name)?.baseAddress,
      Int(bitPattern: bytes) % MemoryLayout<Float>.alignment == 0
    else { return nil }
    return UnsafeMutablePointer(mutating: bytes.assumingMemoryBound(to: Float.self))
  }
}
