import CKernels
import CTKTensor

/// The attention half of a last layer of which the head reads one token of each sequence.
extension AbsoluteAttention {
  struct KeptRead {
    /// [B, H], rows of the input.
    let input: Matrix
    /// [B, H].
    let queries: Matrix
    /// [T, 2H], keys and values.
    let projections: Matrix
    /// [heads, B].
    let logSums: UnsafeMutablePointer<Float>
    /// [B, H], attention before its output projection.
    let context: Matrix
    let norm: NormInput
  }

  /// - Parameter input: [T, H].
  /// - Parameter result: [B, H], where the result goes.
  func forward(
    _ input: Matrix, of tokens: ReadTokens, into result: Matrix, batch: PackedBatch,
    dropout: AttentionDropout, _ parameters: ParameterVector, _ workspace: Workspace
  ) -> KeptRead {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let (count, width) = (result.rows, result.columns)
    let projections = arena.takeMatrix(input.rows, 2 * width)
    compute.multiply(
      input, .plain, parameters.stacked(key.weight, count: 2), .transposed, into: projections,
      from: .bias(parameters.pointer(key.bias)))
    let rows = arena.takeMatrix(count, width)
    tokens.gather(input, into: rows)
    let queries = arena.takeMatrix(count, width)
    query.forward(rows, into: queries, parameters, compute)
    let context = arena.takeMatrix(count, width)
    let logSums = arena.take(count * attention.headCount)
    attention.forward(
      queries, of: tokens, projections, batch: batch, dropout: dropout.probabilities,
      into: context, logSums: logSums, workspace)
    let attended = arena.takeMatrix(count, width)
    output.forward(context, into: attended, parameters, compute)
    let keptNorm = norm.forward(
      attended, of: tokens, residual: rows, dropout: dropout.output, into: result, parameters,
      workspace)
    return KeptRead(
      input: rows, queries: queries, projections: projections, logSums: logSums,
      context: context, norm: keptNorm)
  }

  /// - Parameter input: [T, H].
  /// - Parameter gradient: [B, H] of the result; overwritten.
  /// - Parameter inputGradient: [T, H], overwritten; nil at the lowest layer that trains.
  func backward(
    _ kept: KeptRead, of tokens: ReadTokens, input: Matrix, gradient: Matrix,
    into inputGradient: Matrix?, batch: PackedBatch, dropout: AttentionDropout,
    sink: any GradientSink, _ parameters: ParameterVector, _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let width = gradient.columns
    norm.backward(
      kept.norm, gradient: gradient, examples: batch.sequenceRows, sink: sink, parameters, compute)
    let dense = compute.dropped(gradient, of: tokens, dropout.output, arena)
    output.backwardParameters(
      input: kept.context, outputGradient: dense, examples: batch.sequenceRows, sink: sink)
    let context = arena.takeMatrix(gradient.rows, width)
    output.backwardInput(dense, into: context, accumulates: false, parameters, compute)
    let queries = arena.takeMatrix(gradient.rows, width)
    let projections = arena.takeMatrix(input.rows, 2 * width)
    attention.backward(
      kept.queries, of: tokens, kept.projections, batch: batch,
      dropout: dropout.probabilities, output: kept.context, outputGradient: context,
      logSums: kept.logSums, into: queries, projections, workspace)

    query.backwardParameters(
      input: kept.input, outputGradient: queries, examples: batch.sequenceRows, sink: sink)
    for place in 0..<2 {
      projection(place + 1).backwardParameters(
        input: input, outputGradient: projections.part(place, width: width),
        examples: batch.tokenRows, sink: sink)
    }
    guard let inputGradient else { return }
    compute.multiply(
      projections, .plain, parameters.stacked(key.weight, count: 2), .plain, into: inputGradient)
    query.backwardInput(queries, into: gradient, accumulates: true, parameters, compute)
    tokens.add(gradient, to: inputGradient, compute)
  }
}
