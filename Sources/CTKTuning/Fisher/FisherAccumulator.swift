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
  private let clippingNorm: Double?
  private let scratch: FloatBuffer
  /// Sums over rows, of at most two vectors.
  private let vectors: FloatBuffer
  /// Packed operands of a product, for each worker.
  private var panels = FloatBuffer(count: 0)
  private let compute: Compute

  /// Threads divide the rows of a matrix into multiples of this, which every kernel's tiles fit.
  private static let rowGrain = 24

  /// - Parameter clippingNorm: each squared gradient of a tensor is first scaled to at most
  ///   this L2 norm, as `torch.nn.utils.clip_grad_norm_` does with one tensor; nil for no limit.
  package init(
    layout: ParameterLayout, scored: [ParameterID], granularity: FisherGranularity,
    clippingNorm: Double? = nil, compute: Compute
  ) {
    self.layout = layout
    self.granularity = granularity
    self.clippingNorm = clippingNorm
    self.compute = compute
    var starts = [Int?](repeating: nil, count: layout.parameters.count)
    var total = 0
    for id in scored {
      starts[id.index] = total
      total += layout[id].count
    }
    self.starts = starts
    scores = FloatBuffer(count: total).committed(by: compute)
    let clips = clippingNorm != nil
    vectors = FloatBuffer(
      count: 2 * (scored.map { layout[$0] }.filter(\.isVector).map(\.count).max() ?? 0))
    scratch = FloatBuffer(
      count: scored.map { Self.scratchSize(layout[$0], clips: clips) }.max() ?? 0)
  }

  /// Floats of scratch in which a whole gradient is formed; products that need no clipping
  /// never are whole.
  private static func scratchSize(_ parameter: Parameter, clips: Bool) -> Int {
    parameter.role == .matrix && !clips ? parameter.columns : parameter.count
  }

  package func wants(_ id: ParameterID) -> Bool { starts[id.index] != nil }

  /// The scores of one parameter.
  package func pointer(_ id: ParameterID) -> UnsafeMutablePointer<Float>? {
    starts[id.index].map { scores.base + $0 }
  }

  /// Row offsets of what is squared on its own.
  private func offsets(_ examples: ExampleRows) -> [Int] {
    granularity == .batch
      ? [0, examples.total] : (0...examples.count).map { examples.start($0) }
  }

  private func groups(_ examples: ExampleRows) -> [Range<Int>] {
    let offsets = offsets(examples)
    return zip(offsets, offsets.dropFirst()).map { $0..<$1 }
  }

  package var separatesExamples: Bool { granularity == .example }

  /// Adds the squares of `left^T right` over each group's rows.
  package func product(_ id: ParameterID, left: Matrix, right: Matrix, examples: ExampleRows) {
    guard let target = pointer(id) else { return }
    if clippingNorm != nil {
      let product = Matrix(scratch.base, rows: left.columns, columns: right.columns)
      for group in groups(examples) {
        compute.multiply(left.rows(group), .transposed, right.rows(group), .plain, into: product)
        addSquares(product.base, to: target, count: product.rows * product.columns)
      }
    } else {
      addProducts(left, right, offsets(examples), to: target)
    }
  }

  /// Squares the gradient tile by tile, so that it never is whole.
  ///
  /// Threads divide the rows: no two share a score.
  private func addProducts(
    _ left: Matrix, _ right: Matrix, _ offsets: [Int], to target: UnsafeMutablePointer<Float>
  ) {
    let columns = right.columns
    let stride = panelStride(offsets)
    let addSquaredProducts =
      compute.precision == .bf16 ? ctk_bf16_squared_products : compute.kernels.squared_products!
    compute.divide(left.columns, grain: Self.rowGrain) { rows, worker in
      addSquaredProducts(
        left.base + rows.lowerBound, left.stride, rows.count, right.base, right.stride, columns,
        offsets, offsets.count - 1, target + rows.lowerBound * columns,
        panels.base + worker * stride)
    }
  }

  /// Makes room for each worker's panels and returns how far apart they are.
  private func panelStride(_ offsets: [Int]) -> Int {
    let longest = zip(offsets, offsets.dropFirst()).map { $1 - $0 }.max() ?? 0
    let stride = ctk_squared_products_scratch(longest)
    if panels.count < compute.threadCount * stride {
      panels = FloatBuffer(count: compute.threadCount * stride)
    }
    return stride
  }

  package func sum(_ id: ParameterID, rows: Matrix, examples: ExampleRows) {
    guard let target = pointer(id) else { return }
    let (kernels, sums) = (compute.kernels, vectors.base)
    addVectors(to: [target], of: rows, examples) { group, columns in
      kernels.column_sums(
        rows.rows(group).base + columns.lowerBound, group.count, columns.count, rows.stride,
        sums + columns.lowerBound)
    }
  }

  package func norm(
    scale: ParameterID, shift: ParameterID, input: NormInput, outputGradient: Matrix,
    examples: ExampleRows
  ) {
    let (kernels, scales) = (compute.kernels, vectors.base)
    let shifts = scales + outputGradient.columns
    addVectors(to: [pointer(scale), pointer(shift)], of: outputGradient, examples) {
      group, columns in
      let (part, first) = (input.rows(group), columns.lowerBound)
      kernels.norm_parameter_gradients(
        part.values.base + first, part.mean, part.rstd, outputGradient.rows(group).base + first,
        group.count, columns.count, outputGradient.stride, scales + first, shifts + first)
    }
  }

  /// Adds the squares of the gradients of vectors, each of which is a sum over a matrix's rows.
  ///
  /// Threads divide the columns, unless a gradient must be whole to be clipped.
  ///
  /// - Parameter targets: one for each vector; nil where it is not scored.
  /// - Parameter form: adds some columns' sums over some rows to the `vectors`, which lie one
  ///   after the other and are zero there.
  private func addVectors(
    to targets: [UnsafeMutablePointer<Float>?], of matrix: Matrix, _ examples: ExampleRows,
    _ form: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void
  ) {
    let (groups, width) = (groups(examples), matrix.columns)
    func add(_ group: Range<Int>, _ columns: Range<Int>) {
      let first = vectors.base + columns.lowerBound
      for vector in targets.indices {
        (first + vector * width).update(repeating: 0, count: columns.count)
      }
      form(group, columns)
      for case (let vector, let target?) in targets.enumerated() {
        addSquares(
          first + vector * width, to: target + columns.lowerBound, count: columns.count)
      }
    }
    if clippingNorm == nil {
      compute.parallelColumns(of: matrix) { columns in
        for group in groups { add(group, columns) }
      }
    } else {
      for group in groups { add(group, 0..<width) }
    }
  }

  package func embedding(
    table: ParameterID, indices: [Int32], gradient: Matrix, examples: ExampleRows
  ) {
    guard let target = pointer(table) else { return }
    let columns = gradient.columns
    for group in groups(examples) {
      let touched = Set(indices[group]).map { Int($0) * columns }
      for start in touched { (scratch.base + start).update(repeating: 0, count: columns) }
      for row in group {
        compute.kernels.add(
          gradient.base + row * gradient.stride, scratch.base + Int(indices[row]) * columns,
          columns)
      }
      let squares = touched.reduce(0.0) {
        $0 + compute.kernels.sum_of_squares(scratch.base + $1, columns)
      }
      let factor = clippingFactor(squares)
      for start in touched {
        addSquares(scratch.base + start, to: target + start, count: columns, factor: factor)
      }
    }
  }

  // MARK: Squares

  /// Adds the squares of a tensor's gradient once it is clipped.
  private func addSquares(
    _ gradient: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int
  ) {
    let factor =
      clippingNorm == nil ? 1 : clippingFactor(compute.sumOfSquares(gradient, count: count))
    addSquares(gradient, to: target, count: count, factor: factor)
  }

  private func addSquares(
    _ gradient: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int,
    factor: Float
  ) {
    if factor < 1 { for index in 0..<count { gradient[index] *= factor } }
    compute.kernels.add_squares(gradient, target, count)
  }

  private func clippingFactor(_ sumOfSquares: Double) -> Float {
    clippingNorm.map { Float(min(1, $0 / (sumOfSquares.squareRoot() + 1e-6))) } ?? 1
  }
}

extension Parameter {
  /// Whether its gradient is a sum over the tokens' rows.
  fileprivate var isVector: Bool { role != .matrix && role != .embedding }
}
