import CKernels
import CTKCore
import CTKTensor

/// A sentence head: a dense layer with an activation on one vector of each sequence,
/// then a linear layer to the labels (one of them for regression).
///
/// Families differ in the vector, the activation and where dropout lies.
struct ClassificationHead {
  let summary: SequenceSummary.Kind
  let dense: Linear
  let activation: ActivationKernel
  let output: Linear

  struct Dropout {
    let input: ctk_dropout
    let output: ctk_dropout
  }

  struct Kept {
    /// [B, H], the sequences' vectors after dropout: the dense layer's input.
    let vectors: Matrix
    /// [B, H], the dense layer before its activation.
    let raw: Matrix
    /// [B, H], after the activation.
    let pooled: Matrix
    /// [B, H], after dropout: the last layer's input.
    let dropped: Matrix
    /// [B, labels].
    let logits: Matrix
  }

  /// - Parameter hidden: [T, H], or [B, H], the sequences' vectors.
  /// - Parameter isRead: whether it is the latter.
  func forward(
    _ hidden: Matrix, isRead: Bool, batch: PackedBatch, dropout: Dropout,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let (count, width) = (batch.sequenceCount, hidden.columns)
    let vectors = arena.takeMatrix(count, width)
    if isRead {
      vectors.base.update(from: hidden.base, count: count * width)
    } else {
      summary.gather(hidden, batch.offsets, into: vectors)
    }
    if dropout.input.threshold != 0 { compute.drop(vectors, into: vectors, dropout.input) }
    let raw = arena.takeMatrix(count, width)
    dense.forward(vectors, into: raw, parameters, compute)
    let pooled = arena.takeMatrix(count, width)
    activation.forward(raw, into: pooled, compute)
    let dropped = compute.dropped(pooled, dropout.output, arena)
    let logits = arena.takeMatrix(count, parameters.layout[output.weight].rows)
    output.forward(dropped, into: logits, parameters, compute)
    return Kept(vectors: vectors, raw: raw, pooled: pooled, dropped: dropped, logits: logits)
  }

  /// - Parameter logitGradient: [B, labels].
  /// - Parameter hiddenGradient: as large as what forward read, overwritten; nil when nothing
  ///   below the head trains.
  func backward(
    _ kept: Kept, logitGradient: Matrix, isRead: Bool, batch: PackedBatch, dropout: Dropout,
    into hiddenGradient: Matrix?, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    let (arena, compute) = (workspace.arena, workspace.compute)
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let examples = batch.sequenceRows
    output.backwardParameters(
      input: kept.dropped, outputGradient: logitGradient, examples: examples, sink: sink)
    let gradient = arena.takeMatrix(kept.raw.rows, kept.raw.columns)
    output.backwardInput(logitGradient, into: gradient, accumulates: false, parameters, compute)
    if dropout.output.threshold != 0 { compute.drop(gradient, into: gradient, dropout.output) }
    let activated = arena.takeMatrix(kept.raw.rows, kept.raw.columns)
    activation.backward(kept.raw, gradient: gradient, activated: activated, compute)
    dense.backwardParameters(
      input: kept.vectors, outputGradient: gradient, examples: examples, sink: sink)
    guard let hiddenGradient else { return }
    let vectors =
      isRead ? hiddenGradient : arena.takeMatrix(gradient.rows, gradient.columns)
    dense.backwardInput(gradient, into: vectors, accumulates: false, parameters, compute)
    if dropout.input.threshold != 0 { compute.drop(vectors, into: vectors, dropout.input) }
    if isRead { return }
    hiddenGradient.base.update(
      repeating: 0, count: hiddenGradient.rows * hiddenGradient.columns)
    summary.scatter(vectors, batch.offsets, into: hiddenGradient)
  }
}

extension SequenceSummary.Kind {
  /// Tokens of a sequence that its vector is the mean of.
  func tokens(_ offsets: [Int], _ sequence: Int) -> Range<Int> {
    let (start, end) = (offsets[sequence], offsets[sequence + 1])
    return switch self {
    case .first: start..<start + 1
    case .last: end - 1..<end
    case .mean: start..<end
    }
  }

  /// - Parameter hidden: [T, H].
  /// - Parameter offsets: first token of each sequence, and the token count at the end.
  /// - Parameter vectors: [B, H], overwritten.
  func gather(_ hidden: Matrix, _ offsets: [Int], into vectors: Matrix) {
    for sequence in 0..<vectors.rows {
      let tokens = tokens(offsets, sequence)
      let vector = vectors.base + sequence * vectors.stride
      vector.update(from: hidden.base + tokens.lowerBound * hidden.stride, count: hidden.columns)
      if tokens.count == 1 { continue }
      for token in tokens.dropFirst() {
        for column in 0..<hidden.columns {
          vector[column] += hidden.base[token * hidden.stride + column]
        }
      }
      for column in 0..<hidden.columns { vector[column] /= Float(tokens.count) }
    }
  }

  /// Hands each vector's gradient to the tokens it came from; other rows are left alone.
  func scatter(_ vectors: Matrix, _ offsets: [Int], into hidden: Matrix) {
    for sequence in 0..<vectors.rows {
      let tokens = tokens(offsets, sequence)
      for token in tokens {
        for column in 0..<vectors.columns {
          hidden.base[token * hidden.stride + column] =
            vectors.base[sequence * vectors.stride + column] / Float(tokens.count)
        }
      }
    }
  }
}
