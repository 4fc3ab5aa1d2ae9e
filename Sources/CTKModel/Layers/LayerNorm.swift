import CKernels
import CTKTensor

/// Layer normalisation over the columns, fused with what comes before it.
struct LayerNorm {
  let scale: ParameterID
  let shift: ParameterID
  let epsilon: Float

  /// `x = dropout(x) + residual`, then the normalised, scaled and shifted `x`.
  ///
  /// - Parameter values: [T, C]; overwritten by what is normalised, and kept.
  /// - Parameter tokens: those that have a row; nil when all have.
  func forward(
    _ values: Matrix, of tokens: ReadTokens? = nil, residual: Matrix?, dropout: ctk_dropout,
    into output: Matrix, _ parameters: ParameterVector, _ workspace: Workspace
  ) -> NormInput {
    let kept = NormInput(
      values: values, mean: workspace.arena.take(values.rows),
      rstd: workspace.arena.take(values.rows))
    let (gamma, beta) = (parameters.pointer(scale), parameters.pointer(shift))
    workspace.compute.parallel(values.rows, weight: 4 * values.columns) { part in
      tokens.forEachRun(of: part) { rows, token in
        workspace.compute.kernels.dropout_residual_norm(
          values.rows(rows).base, residual?.rows(rows).base, gamma, beta, epsilon, dropout,
          token, rows.count, values.columns, output.rows(rows).base,
          kept.mean + rows.lowerBound, kept.rstd + rows.lowerBound)
      }
    }
    return kept
  }

  /// Turns the output's gradient into the gradient of the normalised values, in place.
  func backward(
    _ kept: NormInput, gradient: Matrix, examples: ExampleRows, sink: any GradientSink,
    _ parameters: ParameterVector, _ compute: Compute
  ) {
    if sink.wants(scale) || sink.wants(shift) {
      sink.norm(
        scale: scale, shift: shift, input: kept, outputGradient: gradient, examples: examples)
    }
    let gamma = parameters.pointer(scale)
    compute.parallel(gradient.rows, weight: 4 * gradient.columns) { part in
      compute.kernels.norm_backward(
        kept.values.rows(part).base, kept.mean + part.lowerBound, kept.rstd + part.lowerBound,
        gamma, gradient.rows(part).base, part.count, gradient.columns)
    }
  }
}
