import CKernels
import CTKTensor

/// The position-wise half of a layer: two dense layers around an activation, then
/// dropout, the residual sum and layer normalisation.
struct FeedForward {
  let intermediate: Linear
  let output: Linear
  let norm: LayerNorm
  let activation: ActivationKernel

  struct Dropout {
    let activation: ctk_dropout
    let output: ctk_dropout
  }

  struct Kept {
    /// [T, H], the input.
    let input: Matrix
    /// [T, I], before the activation.
    let raw: Matrix
    let norm: NormInput
  }

  /// - Parameter input: [T, H].
  /// - Parameter tokens: those that have a row; nil when all have.
  /// - Parameter result: [T, H], where the result goes.
  func forward(
    _ input: Matrix, of tokens: ReadTokens?, into result: Matrix, dropout: Dropout,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let raw = arena.takeMatrix(input.rows, parameters.layout[intermediate.weight].rows)
    intermediate.forward(input, into: raw, parameters, compute)
    let transformed = arena.takeMatrix(input.rows, input.columns)
    let mark = arena.mark
    let activated = arena.takeMatrix(input.rows, raw.columns)
    activation.forward(raw, into: activated, compute)
    if dropout.activation.threshold != 0 {
      compute.drop(activated, of: tokens, into: activated, dropout.activation)
    }
    output.forward(activated, into: transformed, parameters, compute)
    arena.release(to: mark)
    let keptNorm = norm.forward(
      transformed, of: tokens, residual: input, dropout: dropout.output, into: result, parameters,
      workspace)
    return Kept(input: input, raw: raw, norm: keptNorm)
  }

  /// Turns the gradient of the result into the gradient of the input, in place.
  func backward(
    _ kept: Kept, of tokens: ReadTokens?, gradient: Matrix, examples: ExampleRows,
    dropout: Dropout, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    norm.backward(
      kept.norm, gradient: gradient, examples: examples, sink: sink, parameters, compute)
    let dense = compute.dropped(gradient, of: tokens, dropout.output, arena)
    let inner = arena.takeMatrix(gradient.rows, kept.raw.columns)
    output.backwardInput(dense, into: inner, accumulates: false, parameters, compute)
    if dropout.activation.threshold != 0 {
      compute.drop(inner, of: tokens, into: inner, dropout.activation)
    }
    let activated = arena.takeMatrix(gradient.rows, kept.raw.columns)
    activation.backward(kept.raw, gradient: inner, activated: activated, compute)
    if dropout.activation.threshold != 0 {
      compute.drop(activated, of: tokens, into: activated, dropout.activation)
    }
    output.backwardParameters(
      input: activated, outputGradient: dense, examples: examples, sink: sink)
    intermediate.backwardParameters(
      input: kept.input, outputGradient: inner, examples: examples, sink: sink)
    intermediate.backwardInput(inner, into: gradient, accumulates: true, parameters, compute)
  }
}
