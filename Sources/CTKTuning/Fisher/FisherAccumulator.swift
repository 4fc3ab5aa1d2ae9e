import CKernels
package import CTKModel
package import CTKTensor

/// Whether squared gradients are taken example by example or batch by batch.
package enum FisherGranularity: String, Sendable, CaseIterable {
  /// Mean over examples of the squared per-example gradient (the definition).
  case example
  /// Mean over batches of the squared batch-mean gradient (the authors' code).
  case batch
}

/// Sum of squared gradients of the scored weights.
///
/// Per example no batch of one is needed: the rows of each example form its own
/// weight gradient, which is squared into the scores while it is in cache.
package final class FisherAccumulator: GradientSink {
  /// Scores in the order of `scored`, parameter after parameter.
  package let scores: FloatBuffer
  private let layout: ParameterLayout
  private let starts: [Int?]
  private let granularity: FisherGranularity
  private let scratch: FloatBuffer
  /// One tile of a weight gradient for each worker.
  private let tiles: FloatBuffer
  private let compute: Compute

  /// Most floats of a tile, unless one row has more: a tile and its scores stay in a core's
  /// second-level cache while every example of the batch passes.
  private static let tileSize = 1 << 16

  package init(
    layout: ParameterLayout, scored: [ParameterID], granularity: FisherGranularity,
    compute: Compute
  ) {
    self.layout = layout
    self.granularity = granularity
    self.compute = compute
    var starts = [Int?](repeating: nil, count: layout.parameters.count)
    var total = 0
    for id in scored {
      starts[id.index] = total
      total += layout[id].count
    }
    self.starts = starts
    scores = FloatBuffer(count: total)
    scratch = FloatBuffer(count: scored.map { Self.scratchSize(layout[$0]) }.max() ?? 0)
    let widest = scored.map { layout[$0].columns }.max() ?? 0
    tiles = FloatBuffer(count: compute.threadCount * max(Self.tileSize, widest))
  }

  /// Floats of scratch in which a whole gradient is formed; products are formed in tiles.
  private static func scratchSize(_ parameter: Parameter) -> Int {
    parameter.role == .matrix ? parameter.columns : parameter.count
  }

  package func wants(_ id: ParameterID) -> Bool { starts[id.index] != nil }

  /// The scores of one parameter.
  package func pointer(_ id: ParameterID) -> UnsafeMutablePointer<Float>? {
    starts[id.index].map { scores.base + $0 }
  }

  private func groups(_ examples: [Int]) -> [Range<Int>] {
    switch granularity {
    case .batch: [0..<(examples.last ?? 0)]
    case .example: zip(examples, examples.dropFirst()).map { $0..<$1 }
    }
  }

  package var separatesExamples: Bool { granularity == .example }

  /// Adds the squares of `left^T right` over each group's rows, tile by tile.
  ///
  /// A tile is some rows of the matrix, so no two threads share a score.
  package func product(_ id: ParameterID, left: Matrix, right: Matrix, examples: [Int]) {
    guard let target = pointer(id) else { return }
    let groups = groups(examples)
    let (rows, columns) = (left.columns, right.columns)
    let tileRows = max(1, Self.tileSize / columns)
    let tileStride = tiles.count / compute.threadCount
    let single = Compute(threadCount: 1, kernels: compute.kernels)
    compute.forEach((rows + tileRows - 1) / tileRows) { tile, worker in
      let part = tile * tileRows..<min(rows, (tile + 1) * tileRows)
      let start = part.lowerBound * columns
      let product = Matrix(
        tiles.base + worker * tileStride, rows: part.count, columns: columns)
      for group in groups {
        single.multiply(
          left.rows(group).columns(part), .transposed, right.rows(group), .plain, into: product)
        compute.kernels.add_squares(product.base, target + start, part.count * columns)
      }
    }
  }

  package func sum(_ id: ParameterID, rows: Matrix, examples: [Int]) {
    guard let target = pointer(id) else { return }
    for group in groups(examples) {
      scratch.base.update(repeating: 0, count: rows.columns)
      compute.columnSums(rows.rows(group), into: scratch.base)
      compute.kernels.add_squares(scratch.base, target, rows.columns)
    }
  }

  package func norm(
    scale: ParameterID, shift: ParameterID, input: NormInput, outputGradient: Matrix,
    examples: [Int]
  ) {
    let columns = outputGradient.columns
    let sums = FloatBuffer(count: 2 * columns)
    for group in groups(examples) {
      sums.clear()
      let part = input.rows(group)
      compute.kernels.norm_parameter_gradients(
        part.values.base, part.mean, part.rstd, outputGradient.rows(group).base, group.count,
        columns, sums.base, sums.base + columns)
      if let target = pointer(scale) {
        compute.kernels.add_squares(sums.base, target, columns)
      }
      if let target = pointer(shift) {
        compute.kernels.add_squares(sums.base + columns, target, columns)
      }
    }
  }

  package func embedding(
    table: ParameterID, indices: [Int32], gradient: Matrix, examples: [Int]
  ) {
    guard let target = pointer(table) else { return }
    let columns = gradient.columns
    for group in groups(examples) {
      let touched = Set(indices[group])
      for index in touched {
        (scratch.base + Int(index) * columns).update(repeating: 0, count: columns)
      }
      for row in group {
        compute.kernels.add(
          gradient.base + row * gradient.stride, scratch.base + Int(indices[row]) * columns,
          columns)
      }
      for index in touched {
        let start = Int(index) * columns
        compute.kernels.add_squares(scratch.base + start, target + start, columns)
      }
    }
  }
}
