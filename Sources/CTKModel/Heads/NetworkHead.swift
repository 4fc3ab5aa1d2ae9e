import CTKTensor

/// What a head predicts labels for.
package enum HeadKind: Sendable, CaseIterable {
  /// Each sequence as a whole, one row of logits for it.
  case sequence
  /// Each token, one row of logits for it.
  case tokens
}

/// The part of a network above its encoder.
enum NetworkHead: Sendable {
  case sequence(ClassificationHead)
  case tokens(TokenHead)

  enum Kept {
    case sequence(ClassificationHead.Kept)
    case tokens(TokenHead.Kept)

    var logits: Matrix {
      switch self {
      case .sequence(let kept): kept.logits
      case .tokens(let kept): kept.logits
      }
    }
  }

  var kind: HeadKind {
    switch self {
    case .sequence: .sequence
    case .tokens: .tokens
    }
  }

  /// - Parameter hidden: [T, H], or [B, H] of the tokens that the head reads.
  /// - Parameter isRead: whether it is the latter.
  func forward(
    _ hidden: Matrix, isRead: Bool, batch: PackedBatch, dropout: PassDropout,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Kept {
    switch self {
    case .sequence(let head):
      .sequence(
        head.forward(
          hidden, isRead: isRead, batch: batch, dropout: dropout.head, parameters, workspace))
    case .tokens(let head):
      .tokens(head.forward(hidden, dropout: dropout.site(.tokens), parameters, workspace))
    }
  }

  /// - Parameter logitGradient: as large as the logits.
  /// - Parameter hiddenGradient: as large as what forward read, overwritten; nil when nothing
  ///   below the head trains.
  func backward(
    _ kept: Kept, logitGradient: Matrix, isRead: Bool, batch: PackedBatch, dropout: PassDropout,
    into hiddenGradient: Matrix?, sink: any GradientSink, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) {
    switch (self, kept) {
    case (.sequence(let head), .sequence(let kept)):
      head.backward(
        kept, logitGradient: logitGradient, isRead: isRead, batch: batch, dropout: dropout.head,
        into: hiddenGradient, sink: sink, parameters, workspace)
    case (.tokens(let head), .tokens(let kept)):
      head.backward(
        kept, logitGradient: logitGradient, batch: batch, dropout: dropout.site(.tokens),
        into: hiddenGradient, sink: sink, parameters, workspace.compute)
    case (.sequence, .tokens), (.tokens, .sequence):
      preconditionFailure("the pass was made with another head")
    }
  }
}

extension PassDropout {
  fileprivate var head: ClassificationHead.Dropout {
    ClassificationHead.Dropout(input: site(.headInput), output: site(.classifier))
  }
}
