import CKernels
import CTKTensor

/// One post-normalisation transformer block: attention, then feed-forward.
struct EncoderLayer {
  let number: Int
  let attention: Attention
  let feedForward: FeedForward

  /// The attention half, by how it knows positions.
  enum Attention {
    case absolute(AbsoluteAttention)
    case relative(RelativeAttention)
  }

  /// What backward needs of a forward pass.
  struct Kept {
    /// [T, H], the layer's input.
    let input: Matrix
    let attention: KeptAttention
    let feedForward: FeedForward.Kept
  }

  enum KeptAttention {
    case absolute(AbsoluteAttention.Kept)
    case read(AbsoluteAttention.KeptRead)
    case relative(RelativeAttention.Kept, RelativePositions)
  }

  private func attentionSites(_ dropout: PassDropout) -> AttentionDropout {
    AttentionDropout(
      probabilities: dropout.site(.attention, layer: number),
      output: dropout.site(.attentionOutput, layer: number))
  }

  private func feedForwardSites(_ dropout: PassDropout) -> FeedForward.Dropout {
    FeedForward.Dropout(
      activation: dropout.site(.activation, layer: number),
      output: dropout.site(.feedForwardOutput, layer: number))
  }

  /// - Parameter input: [T, H].
  /// - Parameter tokens: those whose output is read; nil for all. Not with relative attention.
  /// - Parameter output: [T, H], or [B, H] of the tokens, where the result goes.
  /// - Parameter positions: of the batch, for relative attention.
  func forward(
    _ input: Matrix, of tokens: ReadTokens?, into output: Matrix, batch: PackedBatch,
    positions: RelativePositions?, dropout: PassDropout, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) -> Kept {
    let middle = workspace.arena.takeMatrix(output.rows, output.columns)
    let sites = attentionSites(dropout)
    let keptAttention: KeptAttention
    switch (attention, tokens) {
    case (.absolute(let half), nil):
      keptAttention = .absolute(
        half.forward(input, into: middle, batch: batch, dropout: sites, parameters, workspace))
    case (.absolute(let half), let tokens?):
      keptAttention = .read(
        half.forward(
          input, of: tokens, into: middle, batch: batch, dropout: sites, parameters, workspace))
    case (.relative(let half), _):
      guard let positions else { preconditionFailure("relative attention needs positions") }
      keptAttention = .relative(
        half.forward(
          input, into: middle, batch: batch, positions: positions, dropout: sites, parameters,
          workspace), positions)
    }
    let keptFeedForward = feedForward.forward(
      middle, of: tokens, into: output, dropout: feedForwardSites(dropout), parameters, workspace)
    return Kept(input: input, attention: keptAttention, feedForward: keptFeedForward)
  }

  /// Turns the gradient of the output into the gradient of the input, in place.
  ///
  /// - Parameter needsInputGradient: false at the lowest layer that trains.
  func backward(
    _ kept: Kept, gradient: Matrix, batch: PackedBatch, dropout: PassDropout,
    needsInputGradient: Bool, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    let mark = workspace.arena.mark
    defer { workspace.arena.release(to: mark) }
    feedForward.backward(
      kept.feedForward, of: nil, gradient: gradient, examples: batch.tokenRows,
      dropout: feedForwardSites(dropout), sink: sink, parameters, workspace)
    workspace.arena.release(to: mark)
    let sites = attentionSites(dropout)
    switch (attention, kept.attention) {
    case (.absolute(let half), .absolute(let keptHalf)):
      half.backward(
        keptHalf, input: kept.input, gradient: gradient, batch: batch, dropout: sites,
        needsInputGradient: needsInputGradient, sink: sink, parameters, workspace)
    case (.relative(let half), .relative(let keptHalf, let positions)):
      half.backward(
        keptHalf, input: kept.input, gradient: gradient, batch: batch, positions: positions,
        dropout: sites, needsInputGradient: needsInputGradient, sink: sink, parameters, workspace)
    default:
      preconditionFailure("the pass was made by a layer of another kind")
    }
  }

  /// As `backward` for a layer that formed the output of some tokens only.
  ///
  /// - Parameter gradient: [B, H] of the output; overwritten.
  /// - Parameter inputGradient: [T, H], overwritten; nil at the lowest layer that trains.
  func backwardRead(
    _ kept: Kept, of tokens: ReadTokens, gradient: Matrix, into inputGradient: Matrix?,
    batch: PackedBatch, dropout: PassDropout, sink: any GradientSink,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) {
    guard case .absolute(let half) = attention, case .read(let keptHalf) = kept.attention else {
      preconditionFailure("the pass was made by a layer of another kind")
    }
    let mark = workspace.arena.mark
    defer { workspace.arena.release(to: mark) }
    feedForward.backward(
      kept.feedForward, of: tokens, gradient: gradient, examples: batch.sequenceRows,
      dropout: feedForwardSites(dropout), sink: sink, parameters, workspace)
    workspace.arena.release(to: mark)
    half.backward(
      keptHalf, of: tokens, input: kept.input, gradient: gradient, into: inputGradient,
      batch: batch, dropout: attentionSites(dropout), sink: sink, parameters, workspace)
  }
}
