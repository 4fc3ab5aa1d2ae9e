import CKernels
import CTKTensor

/// The attention half of an XLNet layer: scores of contents, distances and segments,
/// then dropout, the residual sum and layer normalisation.
struct RelativeAttention {
  let query: HeadProjection
  let key: HeadProjection
  let value: HeadProjection
  let distanceKey: HeadProjection
  let biases: RelativeBiases
  let attention: RelativeSelfAttention
  let output: HeadProjection
  let norm: LayerNorm

  struct Kept {
    let operands: RelativeSelfAttention.Operands
    /// [heads, T].
    let logSums: UnsafeMutablePointer<Float>
    /// [T, H], attention before its output projection.
    let context: Matrix
    let norm: NormInput
  }

  /// - Parameter input: [T, H].
  /// - Parameter result: [T, H], where the result goes.
  func forward(
    _ input: Matrix, into result: Matrix, batch: PackedBatch, positions: RelativePositions,
    dropout: AttentionDropout, _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let (tokens, width) = (input.rows, input.columns)
    let projections = arena.takeMatrix(tokens, 3 * width)
    for place in 0..<3 {
      projection(place).forward(
        input, into: projections.part(place, width: width), parameters, compute)
    }
    let distanceKeys = arena.takeMatrix(positions.encodings.rows, width)
    distanceKey.forward(positions.encodings, into: distanceKeys, parameters, compute)
    let operands = RelativeSelfAttention.Operands(
      projections: projections, distanceKeys: distanceKeys, positions: positions,
      biases: biases.pointers(parameters))
    let context = arena.takeMatrix(tokens, width)
    let logSums = arena.take(tokens * attention.headCount)
    attention.forward(
      operands, batch: batch, dropout: dropout.probabilities, into: context, logSums: logSums,
      workspace)
    let attended = arena.takeMatrix(tokens, width)
    output.forward(context, into: attended, parameters, compute)
    let keptNorm = norm.forward(
      attended, residual: input, dropout: dropout.output, into: result, parameters, workspace)
    return Kept(operands: operands, logSums: logSums, context: context, norm: keptNorm)
  }

  /// The map that forms the part of the projections at a place.
  private func projection(_ place: Int) -> HeadProjection {
    switch place {
    case 0: query
    case 1: key
    default: value
    }
  }

  /// Turns the gradient of the result into the gradient of the input, in place.
  ///
  /// - Parameter needsInputGradient: false at the lowest layer that trains.
  func backward(
    _ kept: Kept, input: Matrix, gradient: Matrix, batch: PackedBatch,
    positions: RelativePositions, dropout: AttentionDropout, needsInputGradient: Bool,
    sink: any GradientSink, _ parameters: ParameterVector, _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let (examples, width) = (batch.tokenRows, gradient.columns)
    norm.backward(
      kept.norm, gradient: gradient, examples: examples, sink: sink, parameters, compute)
    let dense = compute.dropped(gradient, dropout.output, arena)
    output.backwardParameters(
      input: kept.context, outputGradient: dense, examples: examples, sink: sink)
    let context = arena.takeMatrix(gradient.rows, width)
    output.backwardInput(dense, into: context, accumulates: false, parameters, compute)

    let gradients = RelativeSelfAttention.Gradients(
      projections: arena.takeMatrix(gradient.rows, 3 * width),
      distanceKeys: arena.takeMatrix(batch.distanceRows.total, width),
      distanceRows: batch.distanceRows,
      contentBias: arena.takeMatrix(batch.sequenceCount, width),
      distanceBias: arena.takeMatrix(batch.sequenceCount, width),
      segmentBias: arena.takeMatrix(batch.sequenceCount, width),
      segmentEmbedding: arena.takeMatrix(batch.sequenceCount, 2 * width))
    attention.backward(
      kept.operands, batch: batch, dropout: dropout.probabilities, output: kept.context,
      outputGradient: context, logSums: kept.logSums, into: gradients, workspace)

    for place in 0..<3 {
      let projection = projection(place)
      let slope = gradients.projections.part(place, width: width)
      projection.backwardParameters(
        input: input, outputGradient: slope, examples: examples, sink: sink)
      if needsInputGradient {
        projection.backwardInput(slope, into: gradient, accumulates: true, parameters, compute)
      }
    }
    biases.backward(gradients, batch, sink)
    backwardDistanceKey(gradients, positions, batch, sink, workspace)
  }

  /// The encodings do not train, so only the projection has a gradient.
  private func backwardDistanceKey(
    _ gradients: RelativeSelfAttention.Gradients, _ positions: RelativePositions,
    _ batch: PackedBatch, _ sink: any GradientSink, _ workspace: Workspace
  ) {
    guard sink.wants(distanceKey.weight) else { return }
    if positions.isShared && !sink.separatesExamples {
      let folded = positions.folded(gradients.distanceKeys, batch, workspace)
      distanceKey.backwardParameters(
        input: positions.encodings, outputGradient: folded,
        examples: ExampleRows(single: folded.rows), sink: sink)
    } else {
      distanceKey.backwardParameters(
        input: positions.separated(batch, workspace),
        outputGradient: gradients.distanceKeys, examples: gradients.distanceRows, sink: sink)
    }
  }
}

/// What is added to the queries in each term of the scores, and the segments' embeddings.
struct RelativeBiases {
  /// [heads, head size] each.
  let content: ParameterID
  let distance: ParameterID
  let segment: ParameterID
  /// [2, heads, head size]: for tokens of one segment, and of two.
  let segmentEmbedding: ParameterID

  struct Pointers {
    let content: UnsafeMutablePointer<Float>
    let distance: UnsafeMutablePointer<Float>
    let segment: UnsafeMutablePointer<Float>
    let segmentEmbedding: UnsafeMutablePointer<Float>
  }

  func pointers(_ parameters: ParameterVector) -> Pointers {
    Pointers(
      content: parameters.pointer(content), distance: parameters.pointer(distance),
      segment: parameters.pointer(segment),
      segmentEmbedding: parameters.pointer(segmentEmbedding))
  }

  func backward(
    _ gradients: RelativeSelfAttention.Gradients, _ batch: PackedBatch, _ sink: any GradientSink
  ) {
    func sum(_ id: ParameterID, _ rows: Matrix) {
      if sink.wants(id) { sink.sum(id, rows: rows, examples: batch.sequenceRows) }
    }
    sum(content, gradients.contentBias)
    sum(distance, gradients.distanceBias)
    sum(segment, gradients.segmentBias)
    sum(segmentEmbedding, gradients.segmentEmbedding)
  }
}

extension Matrix {
  /// One of several equally wide parts that lie side by side.
  func part(_ place: Int, width: Int) -> Matrix {
    columns(place * width..<(place + 1) * width)
  }
}
