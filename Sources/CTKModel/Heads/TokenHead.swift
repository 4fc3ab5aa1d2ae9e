import CKernels
import CTKTensor

/// A token head: dropout, then a linear layer from each token's last hidden state to the labels.
struct TokenHead {
  let output: Linear

  struct Kept {
    /// [T, H], after dropout: the layer's input.
    let dropped: Matrix
    /// [T, labels].
    let logits: Matrix
  }

  func forward(
    _ hidden: Matrix, dropout: ctk_dropout, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let dropped = compute.dropped(hidden, dropout, arena)
    let logits = arena.takeMatrix(hidden.rows, parameters.layout[output.weight].rows)
    output.forward(dropped, into: logits, parameters, compute)
    return Kept(dropped: dropped, logits: logits)
  }

  /// - Parameter logitGradient: [T, labels].
  /// - Parameter hiddenGradient: [T, H], overwritten; nil when nothing below the head trains.
  func backward(
    _ kept: Kept, logitGradient: Matrix, batch: PackedBatch, dropout: ctk_dropout,
    into hiddenGradient: Matrix?, sink: any GradientSink, _ parameters: ParameterVector,
    _ compute: Compute
  ) {
    output.backwardParameters(
      input: kept.dropped, outputGradient: logitGradient, examples: batch.tokenRows, sink: sink)
    guard let hiddenGradient else { return }
    output.backwardInput(
      logitGradient, into: hiddenGradient, accumulates: false, parameters, compute)
    if dropout.threshold != 0 { compute.drop(hiddenGradient, into: hiddenGradient, dropout) }
  }
}
