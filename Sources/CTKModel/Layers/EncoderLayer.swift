import CKernels
import CTKCore
import CTKTensor

/// One post-normalisation transformer block: attention, then feed-forward, each
/// followed by dropout, the residual sum and layer normalisation.
struct EncoderLayer {
  let number: Int
  let query: Linear
  let key: Linear
  let value: Linear
  let attention: SelfAttention
  let attentionOutput: Linear
  let attentionNorm: LayerNorm
  let intermediate: Linear
  let output: Linear
  let outputNorm: LayerNorm
  let activation: ActivationKernel

  /// What backward needs of a forward pass.
  struct Kept {
    /// [T, H], the layer's input.
    let input: Matrix
    /// [T, 3H], queries, keys and values.
    let projections: Matrix
    /// [heads, T].
    let logSums: UnsafeMutablePointer<Float>
    /// [T, H], attention before its output projection.
    let context: Matrix
    let attentionNorm: NormInput
    /// [T, H], after the first normalisation.
    let middle: Matrix
    /// [T, I], before the activation.
    let intermediate: Matrix
    let outputNorm: NormInput
    /// [T, H], the layer's output.
    let output: Matrix
  }

  /// Dropout sites of one step.
  struct Dropout {
    let attention: ctk_dropout
    let attentionOutput: ctk_dropout
    let output: ctk_dropout

    static let off = Dropout(attention: .off, attentionOutput: .off, output: .off)
  }

  func dropout(_ stream: DropoutStream?, _ configuration: ModelConfiguration) -> Dropout {
    guard let stream else { return .off }
    let hidden = configuration.hiddenDropout
    return Dropout(
      attention: stream.site(
        .attention, layer: number, probability: configuration.attentionDropout),
      attentionOutput: stream.site(.attentionOutput, layer: number, probability: hidden),
      output: stream.site(.feedForwardOutput, layer: number, probability: hidden))
  }
}

// MARK: Forward

extension EncoderLayer {
  /// - Parameter input: [T, H].
  /// - Parameter output: [T, H], where the result goes.
  func forward(
    _ input: Matrix, into output: Matrix, batch: PackedBatch, dropout: Dropout,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let (tokens, width) = (input.rows, input.columns)
    let projections = arena.takeMatrix(tokens, 3 * width)
    project(input, into: projections, parameters, compute)
    let context = arena.takeMatrix(tokens, width)
    let logSums = arena.take(tokens * attention.headCount)
    attention.forward(
      projections, batch: batch, dropout: dropout.attention, into: context, logSums: logSums,
      workspace)

    let attended = arena.takeMatrix(tokens, width)
    attentionOutput.forwardWithoutBias(context, into: attended, parameters, compute)
    let middle = arena.takeMatrix(tokens, width)
    let keptAttention = attentionNorm.forward(
      attended, bias: attentionOutput.bias, residual: input, dropout: dropout.attentionOutput,
      into: middle, parameters, workspace)

    let inner = arena.takeMatrix(tokens, parameters.layout[intermediate.weight].rows)
    intermediate.forwardWithoutBias(middle, into: inner, parameters, compute)
    let transformed = arena.takeMatrix(tokens, width)
    let mark = arena.mark
    let activated = arena.takeMatrix(tokens, inner.columns)
    activation.forward(
      inner, bias: parameters.pointer(intermediate.bias), into: activated, compute)
    self.output.forwardWithoutBias(activated, into: transformed, parameters, compute)
    arena.release(to: mark)
    let keptOutput = outputNorm.forward(
      transformed, bias: self.output.bias, residual: middle, dropout: dropout.output,
      into: output, parameters, workspace)
    return Kept(
      input: input, projections: projections, logSums: logSums, context: context,
      attentionNorm: keptAttention, middle: middle, intermediate: inner, outputNorm: keptOutput,
      output: output)
  }

  private func project(
    _ input: Matrix, into projections: Matrix, _ parameters: ParameterVector, _ compute: Compute
  ) {
    compute.multiply(
      input, .plain, parameters.stacked(query.weight, count: 3), .transposed, into: projections)
    let bias = parameters.pointer(query.bias)
    compute.parallel(projections.rows, weight: projections.columns) { part in
      let rows = projections.rows(part)
      compute.kernels.add_bias(rows.base, bias, rows.rows, rows.columns, rows.stride)
    }
  }
}

// MARK: Backward

extension EncoderLayer {
  /// Turns the gradient of the output into the gradient of the input, in place.
  ///
  /// - Parameter needsInputGradient: false at the lowest layer that trains.
  func backward(
    _ kept: Kept, gradient: Matrix, batch: PackedBatch, dropout: Dropout,
    needsInputGradient: Bool, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    let mark = workspace.arena.mark
    defer { workspace.arena.release(to: mark) }
    backwardFeedForward(
      kept, gradient: gradient, batch: batch, site: dropout.output, sink: sink, parameters,
      workspace)
    workspace.arena.release(to: mark)
    backwardAttention(
      kept, gradient: gradient, batch: batch, dropout: dropout,
      needsInputGradient: needsInputGradient, sink: sink, parameters, workspace)
  }

  private func backwardFeedForward(
    _ kept: Kept, gradient: Matrix, batch: PackedBatch, site: ctk_dropout,
    sink: any GradientSink, _ parameters: ParameterVector, _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    outputNorm.backward(
      kept.outputNorm, gradient: gradient, examples: batch.offsets, sink: sink, parameters,
      compute)
    let dense = throughDropout(gradient, site, workspace)
    let inner = arena.takeMatrix(gradient.rows, kept.intermediate.columns)
    output.backwardInput(dense, into: inner, accumulates: false, parameters, compute)
    let activated = arena.takeMatrix(gradient.rows, kept.intermediate.columns)
    activation.backward(kept.intermediate, gradient: inner, activated: activated, compute)
    output.backwardParameters(
      input: activated, outputGradient: dense, examples: batch.offsets, sink: sink)
    intermediate.backwardParameters(
      input: kept.middle, outputGradient: inner, examples: batch.offsets, sink: sink)
    intermediate.backwardInput(inner, into: gradient, accumulates: true, parameters, compute)
  }

  private func backwardAttention(
    _ kept: Kept, gradient: Matrix, batch: PackedBatch, dropout: Dropout,
    needsInputGradient: Bool, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let examples = batch.offsets
    attentionNorm.backward(
      kept.attentionNorm, gradient: gradient, examples: examples, sink: sink, parameters, compute)
    let dense = throughDropout(gradient, dropout.attentionOutput, workspace)
    attentionOutput.backwardParameters(
      input: kept.context, outputGradient: dense, examples: examples, sink: sink)
    let context = arena.takeMatrix(gradient.rows, gradient.columns)
    attentionOutput.backwardInput(dense, into: context, accumulates: false, parameters, compute)
    let projections = arena.takeMatrix(gradient.rows, 3 * gradient.columns)
    attention.backward(
      kept.projections, batch: batch, dropout: dropout.attention, output: kept.context,
      outputGradient: context, logSums: kept.logSums, into: projections, workspace)

    for (place, linear) in [query, key, value].enumerated() {
      let columns = place * gradient.columns..<(place + 1) * gradient.columns
      linear.backwardParameters(
        input: kept.input, outputGradient: projections.columns(columns), examples: examples,
        sink: sink)
    }
    if needsInputGradient {
      compute.multiply(
        projections, .plain, parameters.stacked(query.weight, count: 3), .plain,
        into: gradient, accumulates: true)
    }
  }

  /// The gradient before a dropout site; the same matrix when nothing is dropped.
  private func throughDropout(
    _ gradient: Matrix, _ site: ctk_dropout, _ workspace: Workspace
  ) -> Matrix {
    if site.threshold == 0 { return gradient }
    let result = workspace.arena.takeMatrix(gradient.rows, gradient.columns)
    let compute = workspace.compute
    compute.parallel(gradient.rows, weight: gradient.columns) { part in
      compute.kernels.dropout(
        gradient.rows(part).base, result.rows(part).base, site,
        UInt32(truncatingIfNeeded: part.lowerBound * gradient.columns),
        part.count * gradient.columns)
    }
    return result
  }
}
