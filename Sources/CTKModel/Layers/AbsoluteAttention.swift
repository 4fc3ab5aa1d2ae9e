import CKernels
import CTKTensor

/// The attention half of a layer that knows positions from its input alone:
/// self-attention, then dropout, the residual sum and layer normalisation.
struct AbsoluteAttention {
  let query: Linear
  let key: Linear
  let value: Linear
  let attention: SelfAttention
  let output: Linear
  let norm: LayerNorm

  struct Kept {
    /// [T, 3H], queries, keys and values.
    let projections: Matrix
    /// [heads, T].
    let logSums: UnsafeMutablePointer<Float>
    /// [T, H], attention before its output projection.
    let context: Matrix
    let norm: NormInput
  }

  /// - Parameter input: [T, H].
  /// - Parameter result: [T, H], where the result goes.
  func forward(
    _ input: Matrix, into result: Matrix, batch: PackedBatch, dropout: AttentionDropout,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let (tokens, width) = (input.rows, input.columns)
    let projections = arena.takeMatrix(tokens, 3 * width)
    project(input, into: projections, parameters, compute)
    let context = arena.takeMatrix(tokens, width)
    let logSums = arena.take(tokens * attention.headCount)
    attention.forward(
      projections, batch: batch, dropout: dropout.probabilities, into: context, logSums: logSums,
      workspace)
    let attended = arena.takeMatrix(tokens, width)
    output.forward(context, into: attended, parameters, compute)
    let keptNorm = norm.forward(
      attended, residual: input, dropout: dropout.output, into: result, parameters, workspace)
    return Kept(projections: projections, logSums: logSums, context: context, norm: keptNorm)
  }

  /// The layer that forms the part of the projections at a place.
  func projection(_ place: Int) -> Linear {
    switch place {
    case 0: query
    case 1: key
    default: value
    }
  }

  private func project(
    _ input: Matrix, into projections: Matrix, _ parameters: ParameterVector, _ compute: Compute
  ) {
    compute.multiply(
      input, .plain, parameters.stacked(query.weight, count: 3), .transposed, into: projections,
      from: .bias(parameters.pointer(query.bias)))
  }

  /// Turns the gradient of the result into the gradient of the input, in place.
  ///
  /// - Parameter needsInputGradient: false at the lowest layer that trains.
  func backward(
    _ kept: Kept, input: Matrix, gradient: Matrix, batch: PackedBatch, dropout: AttentionDropout,
    needsInputGradient: Bool, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let examples = batch.tokenRows
    norm.backward(
      kept.norm, gradient: gradient, examples: examples, sink: sink, parameters, compute)
    let dense = compute.dropped(gradient, dropout.output, arena)
    output.backwardParameters(
      input: kept.context, outputGradient: dense, examples: examples, sink: sink)
    let context = arena.takeMatrix(gradient.rows, gradient.columns)
    output.backwardInput(dense, into: context, accumulates: false, parameters, compute)
    let projections = arena.takeMatrix(gradient.rows, 3 * gradient.columns)
    attention.backward(
      kept.projections, batch: batch, dropout: dropout.probabilities, output: kept.context,
      outputGradient: context, logSums: kept.logSums, into: projections, workspace)

    for place in 0..<3 {
      projection(place).backwardParameters(
        input: input, outputGradient: projections.part(place, width: gradient.columns),
        examples: examples, sink: sink)
    }
    if needsInputGradient {
      compute.multiply(
        projections, .plain, parameters.stacked(query.weight, count: 3), .plain,
        into: gradient, from: .result)
    }
  }
}

/// Dropout sites of one attention half.
struct AttentionDropout {
  let probabilities: ctk_dropout
  let output: ctk_dropout
}
