import CKernels
package import CTKCore
package import CTKTensor

/// A BERT encoder with a pooled classification or regression head.
package struct SequenceClassifier: Sendable {
  package let configuration: ModelConfiguration
  package let layout: ParameterLayout
  package let labelCount: Int
  let embeddings: Embeddings
  let layers: [EncoderLayer]
  let head: PooledClassifier

  /// What a forward pass leaves for the backward pass; valid until the arena's next reset.
  package struct Pass {
    let embeddings: Embeddings.Kept
    let layers: [EncoderLayer.Kept]
    let head: PooledClassifier.Kept
    let dropout: DropoutStream?
    /// [T, H], output of the embedding block.
    package let embedded: Matrix
    /// [T, H] of each layer, bottom to top.
    package var hiddenStates: [Matrix] { layers.map(\.output) }
    /// [B, H], after the pooler's tanh.
    package var pooled: Matrix { head.pooled }
    /// [B, labels].
    package var logits: Matrix { head.logits }
  }

  /// What an evaluation leaves; valid until the arena's next reset.
  package struct Evaluation {
    /// [T, H], output of the last layer.
    package let lastHiddenState: Matrix
    /// [B, labels].
    package let logits: Matrix
  }

  /// - Parameter labelCount: outputs of the head; 1 for regression.
  /// - Throws: `model.architecture-unsupported`.
  package init(
    configuration: ModelConfiguration, labelCount: Int
  ) throws(ModelError) {
    guard configuration.architecture == .bert else {
      throw ModelError(
        .architectureUnsupported,
        "'\(configuration.architecture.rawValue)' models cannot be run by this version")
    }
    var builder = BERTLayoutBuilder(configuration: configuration)
    embeddings = builder.embeddings()
    layers = (0..<configuration.layerCount).map { builder.layer($0) }
    head = builder.head(labelCount: labelCount)
    layout = builder.layout
    self.configuration = configuration
    self.labelCount = labelCount
  }

  /// Floats of arena that a pass over such a batch takes.
  ///
  /// - Parameter keepsActivations: whether a backward pass follows.
  package func arenaCapacity(_ limits: BatchLimits, keepsActivations: Bool = true) -> Int {
    let (tokens, width) = (limits.tokens, configuration.hiddenSize)
    let inner = configuration.intermediateSize
    let keptByLayer =
      tokens * (8 * width + inner + configuration.headCount + 4) + 16 * Self.blocksOfLayer
    let scratch = tokens * (6 * width + 3 * inner) + 16 * Self.blocksOfLayer
    let headBlocks = limits.sequences * (8 * width + 4 * max(labelCount, 16)) + 16 * 16
    let keptLayers = keepsActivations ? layers.count + 1 : 3
    return keptByLayer * keptLayers + scratch + headBlocks
  }

  /// Upper bound on the blocks one layer takes, for their rounding.
  private static let blocksOfLayer = 24

  /// A workspace for batches up to the limits.
  package func workspace(
    _ limits: BatchLimits, compute: Compute, keepsActivations: Bool = true
  ) -> Workspace {
    Workspace(
      compute: compute,
      arenaCapacity: arenaCapacity(limits, keepsActivations: keepsActivations),
      longest: limits.longest, headSize: configuration.headSize)
  }

  /// Checks that every id and position has a row in its table.
  ///
  /// - Throws: `model.token-out-of-range`, `model.sequence-too-long`.
  package func validate(_ batch: PackedBatch) throws(ModelError) {
    if batch.longest > configuration.positionCount
      || batch.positions.contains(where: { $0 >= configuration.positionCount })
    {
      throw ModelError(
        .sequenceTooLong,
        "a text has \(batch.longest) tokens, the model has \(configuration.positionCount) positions",
        hint: "give a smaller --max-length")
    }
    if let id = batch.tokenIDs.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw ModelError(
        .tokenOutOfRange,
        "token id \(id) is outside the vocabulary of \(configuration.vocabularySize)",
        hint: "the tokenizer does not belong to this model")
    }
    if let type = batch.tokenTypeIDs.first(where: { $0 < 0 || $0 >= configuration.tokenTypeCount })
    {
      throw ModelError(
        .tokenOutOfRange,
        "token type \(type) is outside the model's \(configuration.tokenTypeCount) types")
    }
  }
}

// MARK: Passes

extension SequenceClassifier {
  /// Runs the network on a batch that `validate` accepted.
  ///
  /// - Parameter dropout: nil for evaluation.
  package func forward(
    _ batch: PackedBatch, dropout: DropoutStream?, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) -> Pass {
    let arena = workspace.arena
    arena.reset()
    let embedded = arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
    let keptEmbeddings = embeddings.forward(
      batch, into: embedded, dropout: embeddingSite(dropout), parameters, workspace)
    var hidden = embedded
    var kept: [EncoderLayer.Kept] = []
    kept.reserveCapacity(layers.count)
    for layer in layers {
      let output = arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
      kept.append(
        layer.forward(
          hidden, into: output, batch: batch, dropout: layer.dropout(dropout, configuration),
          parameters, workspace))
      hidden = output
    }
    let keptHead = head.forward(
      hidden, batch: batch, dropout: classifierSite(dropout), parameters, workspace)
    return Pass(
      embeddings: keptEmbeddings, layers: kept, head: keptHead, dropout: dropout,
      embedded: embedded)
  }

  /// Runs the network without dropout and keeps no layer's activations.
  package func evaluate(
    _ batch: PackedBatch, _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Evaluation {
    let arena = workspace.arena
    arena.reset()
    var hidden = arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
    var next = arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
    let mark = arena.mark
    _ = embeddings.forward(batch, into: hidden, dropout: .off, parameters, workspace)
    for layer in layers {
      arena.release(to: mark)
      _ = layer.forward(
        hidden, into: next, batch: batch, dropout: .off, parameters, workspace)
      swap(&hidden, &next)
    }
    arena.release(to: mark)
    let kept = head.forward(hidden, batch: batch, dropout: .off, parameters, workspace)
    return Evaluation(lastHiddenState: hidden, logits: kept.logits)
  }

  /// Hands the sink everything it wants, from the head down to the lowest part it wants.
  ///
  /// - Parameter logitGradient: [B, labels].
  package func backward(
    _ pass: Pass, logitGradient: Matrix, batch: PackedBatch, sink: any GradientSink,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) {
    guard let lowest = lowestPart(wantedBy: sink) else { return }
    let arena = workspace.arena
    let mark = arena.mark
    defer { arena.release(to: mark) }
    let gradient =
      lowest == .head ? nil : arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
    head.backward(
      pass.head, logitGradient: logitGradient, batch: batch, dropout: classifierSite(pass.dropout),
      into: gradient, sink: sink, parameters, workspace)
    guard let gradient else { return }
    for (layer, kept) in zip(layers, pass.layers).reversed() {
      let part = NetworkPart.layer(layer.number)
      if part < lowest { break }
      layer.backward(
        kept, gradient: gradient, batch: batch,
        dropout: layer.dropout(pass.dropout, configuration), needsInputGradient: lowest < part,
        sink: sink, parameters, workspace)
    }
    if lowest == .embeddings {
      embeddings.backward(
        pass.embeddings, gradient: gradient, batch: batch, dropout: embeddingSite(pass.dropout),
        sink: sink, parameters, workspace.compute)
    }
  }

  private func lowestPart(wantedBy sink: any GradientSink) -> NetworkPart? {
    layout.allIDs.filter { sink.wants($0) }.map { layout[$0].part }.min()
  }

  private func embeddingSite(_ stream: DropoutStream?) -> ctk_dropout {
    stream?.site(.embeddings, probability: configuration.hiddenDropout) ?? .off
  }

  private func classifierSite(_ stream: DropoutStream?) -> ctk_dropout {
    stream?.site(
      .classifier,
      probability: configuration.classifierDropout ?? configuration.hiddenDropout) ?? .off
  }
}
