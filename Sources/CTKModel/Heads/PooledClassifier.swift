import CKernels
import CTKCore
import CTKTensor

/// BERT's sentence head: tanh of a dense layer on the first token, dropout, then
/// a linear layer to the labels (one of them for regression).
struct PooledClassifier {
  let pooler: Linear
  let classifier: Linear
  let activation = ActivationKernel(.tanh)

  struct Kept {
    /// [B, H], hidden states of the first tokens.
    let first: Matrix
    /// [B, H], the pooler before its tanh.
    let raw: Matrix
    /// [B, H], after tanh.
    let pooled: Matrix
    /// [B, H], after dropout: the classifier's input.
    let dropped: Matrix
    /// [B, labels].
    let logits: Matrix
  }

  func forward(
    _ hidden: Matrix, batch: PackedBatch, dropout: ctk_dropout, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let count = batch.sequenceCount
    let first = arena.takeMatrix(count, hidden.columns)
    for sequence in 0..<count {
      first.rows(sequence..<sequence + 1).base.update(
        from: hidden.base + batch.offsets[sequence] * hidden.stride, count: hidden.columns)
    }
    let raw = arena.takeMatrix(count, hidden.columns)
    pooler.forwardWithoutBias(first, into: raw, parameters, compute)
    let pooled = arena.takeMatrix(count, hidden.columns)
    activation.forward(raw, bias: parameters.pointer(pooler.bias), into: pooled, compute)
    var dropped = pooled
    if dropout.threshold != 0 {
      dropped = arena.takeMatrix(count, hidden.columns)
      compute.kernels.dropout(pooled.base, dropped.base, dropout, 0, count * hidden.columns)
    }
    let logits = arena.takeMatrix(count, parameters.layout[classifier.weight].rows)
    classifier.forwardWithoutBias(dropped, into: logits, parameters, compute)
    compute.kernels.add_bias(
      logits.base, parameters.pointer(classifier.bias), count, logits.columns, logits.stride)
    return Kept(first: first, raw: raw, pooled: pooled, dropped: dropped, logits: logits)
  }

  /// - Parameter logitGradient: [B, labels].
  /// - Parameter hiddenGradient: [T, H], set to zero but for the first tokens; nil when
  ///   nothing below the head trains.
  func backward(
    _ kept: Kept, logitGradient: Matrix, batch: PackedBatch, dropout: ctk_dropout,
    into hiddenGradient: Matrix?, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let count = batch.sequenceCount
    let eachRow = Array(0...count)
    classifier.backwardParameters(
      input: kept.dropped, outputGradient: logitGradient, examples: eachRow, sink: sink)
    let gradient = arena.takeMatrix(count, kept.raw.columns)
    classifier.backwardInput(
      logitGradient, into: gradient, accumulates: false, parameters, compute)
    if dropout.threshold != 0 {
      compute.kernels.dropout(
        gradient.base, gradient.base, dropout, 0, count * gradient.columns)
    }
    let activated = arena.takeMatrix(count, kept.raw.columns)
    activation.backward(kept.raw, gradient: gradient, activated: activated, compute)
    pooler.backwardParameters(
      input: kept.first, outputGradient: gradient, examples: eachRow, sink: sink)
    guard let hiddenGradient else { return }
    let first = arena.takeMatrix(count, gradient.columns)
    pooler.backwardInput(gradient, into: first, accumulates: false, parameters, compute)
    hiddenGradient.base.update(
      repeating: 0, count: hiddenGradient.rows * hiddenGradient.columns)
    for sequence in 0..<count {
      (hiddenGradient.base + batch.offsets[sequence] * hiddenGradient.stride).update(
        from: first.base + sequence * first.stride, count: first.columns)
    }
  }
}
