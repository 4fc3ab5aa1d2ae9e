package import CTKCore
package import CTKTensor

/// An encoder of any family with a head that classifies sequences or their tokens, or scores
/// sequences.
package struct SequenceClassifier: Sendable {
  package let configuration: ModelConfiguration
  package let layout: ParameterLayout
  package let labelCount: Int
  let embeddings: Embeddings
  let layers: [EncoderLayer]
  let head: NetworkHead
  private let dropoutRates: DropoutRates

  /// What a forward pass leaves for the backward pass; valid until the arena's next reset.
  package struct Pass {
    let embeddings: Embeddings.Kept
    /// Empty when backward is to run the layers again.
    let layers: [EncoderLayer.Kept]
    let head: NetworkHead.Kept
    let positions: RelativePositions?
    let dropout: PassDropout
    /// The tokens whose last hidden state was formed; nil for all.
    let readTokens: ReadTokens?
    /// [T, H], output of the embedding block.
    package let embedded: Matrix
    /// [T, H] of each layer, bottom to top; [B, H] of the last one where only what the head
    /// reads is formed.
    package let hiddenStates: [Matrix]

    /// [T, H], what a layer read.
    func input(ofLayer number: Int) -> Matrix {
      number == 0 ? embedded : hiddenStates[number - 1]
    }
    /// [B, H], after the activation of the dense layer of a sequence head; nil for another.
    package var pooled: Matrix? {
      if case .sequence(let kept) = head { kept.pooled } else { nil }
    }
    /// [B, labels], or [T, labels] of a token head.
    package var logits: Matrix { head.logits }
  }

  /// What an evaluation leaves; valid until the arena's next reset.
  package struct Evaluation {
    /// [T, H], output of the last layer; [B, H] where only what the head reads is formed.
    package let lastHiddenState: Matrix
    /// [B, labels], or [T, labels] of a token head.
    package let logits: Matrix
  }

  /// - Parameter labelCount: outputs of the head; 1 for regression.
  /// - Throws: `model.architecture-unsupported`.
  package init(
    configuration: ModelConfiguration, labelCount: Int, head kind: HeadKind = .sequence
  ) throws(ModelError) {
    var builder = NetworkBuilder(configuration: configuration)
    embeddings = builder.embeddings()
    layers = (0..<configuration.layerCount).map { builder.layer($0) }
    switch kind {
    case .sequence: head = .sequence(try builder.head(labelCount: labelCount))
    case .tokens: head = .tokens(builder.tokenHead(labelCount: labelCount))
    }
    dropoutRates = DropoutRates(configuration)
    layout = builder.layout
    self.configuration = configuration
    self.labelCount = labelCount
  }

  package var headKind: HeadKind { head.kind }

  /// Checks that every id and position has a row in its table.
  ///
  /// - Throws: `model.token-out-of-range`, `model.sequence-too-long`.
  package func validate(_ batch: PackedBatch) throws(ModelError) {
    if let limit = configuration.lengthLimit,
      batch.longest > limit || batch.positions.contains(where: { $0 >= limit })
    {
      throw ModelError(
        .sequenceTooLong,
        "a text has \(batch.longest) tokens, the model has \(limit) positions",
        hint: "give a smaller --max-length")
    }
    if let id = batch.tokenIDs.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
      throw ModelError(
        .tokenOutOfRange,
        "token id \(id) is outside the vocabulary of \(configuration.vocabularySize)",
        hint: "the tokenizer does not belong to this model")
    }
    if embeddings.tokenTypes != nil,
      let type = batch.tokenTypeIDs.first(where: {
        $0 < 0 || $0 >= configuration.tokenTypeCount
      })
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
    _ batch: PackedBatch, dropout: DropoutStream?, noise: EmbeddingNoise? = nil,
    _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Pass {
    let arena = workspace.arena
    arena.reset()
    let sites = PassDropout(stream: dropout, rates: dropoutRates)
    let embedded = arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
    let keptEmbeddings = embeddings.forward(
      batch, into: embedded, dropout: sites.site(.embeddings), noise: noise, parameters,
      workspace)
    let positions = positions(batch, sites, workspace)
    var hidden = embedded
    workspace.keptLayers.removeAll(keepingCapacity: true)
    workspace.hiddenStates.removeAll(keepingCapacity: true)
    let readTokens = readTokens(batch, workspace.lastLayerRows)
    for layer in layers {
      let tokens = isLast(layer) ? readTokens : nil
      let output = arena.takeMatrix(rows(of: tokens, batch), configuration.hiddenSize)
      let mark = arena.mark
      let keptLayer = layer.forward(
        hidden, of: tokens, into: output, batch: batch, positions: positions, dropout: sites,
        parameters, workspace)
      if workspace.activations == .all {
        workspace.keptLayers.append(keptLayer)
      } else {
        arena.release(to: mark)
      }
      workspace.hiddenStates.append(output)
      hidden = output
    }
    let keptHead = head.forward(
      hidden, isRead: readTokens != nil, batch: batch, dropout: sites, parameters, workspace)
    return Pass(
      embeddings: keptEmbeddings, layers: workspace.keptLayers, head: keptHead,
      positions: positions, dropout: sites, readTokens: readTokens, embedded: embedded,
      hiddenStates: workspace.hiddenStates)
  }

  private func isLast(_ layer: EncoderLayer) -> Bool { layer.number == layers.count - 1 }

  private func rows(of tokens: ReadTokens?, _ batch: PackedBatch) -> Int {
    tokens == nil ? batch.tokenCount : batch.sequenceCount
  }

  /// Runs the network without dropout and keeps no layer's activations.
  package func evaluate(
    _ batch: PackedBatch, _ parameters: ParameterVector, _ workspace: Workspace
  ) -> Evaluation {
    let arena = workspace.arena
    arena.reset()
    let sites = PassDropout(stream: nil, rates: dropoutRates)
    let positions = positions(batch, sites, workspace)
    var hidden = arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
    var next = arena.takeMatrix(batch.tokenCount, configuration.hiddenSize)
    let mark = arena.mark
    _ = embeddings.forward(
      batch, into: hidden, dropout: .off, noise: nil, parameters, workspace)
    let readTokens = readTokens(batch, workspace.lastLayerRows)
    for layer in layers {
      arena.release(to: mark)
      let tokens = isLast(layer) ? readTokens : nil
      next = next.rows(0..<rows(of: tokens, batch))
      _ = layer.forward(
        hidden, of: tokens, into: next, batch: batch, positions: positions, dropout: sites,
        parameters, workspace)
      swap(&hidden, &next)
    }
    arena.release(to: mark)
    let kept = head.forward(
      hidden, isRead: readTokens != nil, batch: batch, dropout: sites, parameters, workspace)
    return Evaluation(lastHiddenState: hidden, logits: kept.logits)
  }

  /// Hands the sink everything it wants, from the head down to the lowest part it wants.
  ///
  /// - Parameter logitGradient: as large as the logits.
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
    let gradientOfRead =
      lowest == .head || pass.readTokens == nil
      ? nil : arena.takeMatrix(batch.sequenceCount, configuration.hiddenSize)
    head.backward(
      pass.head, logitGradient: logitGradient, isRead: pass.readTokens != nil, batch: batch,
      dropout: pass.dropout, into: gradientOfRead ?? gradient, sink: sink, parameters, workspace)
    guard let gradient else { return }
    for layer in layers.reversed() {
      let part = NetworkPart.layer(layer.number)
      if part < lowest { break }
      let layerMark = arena.mark
      let kept = kept(layer, of: pass, batch, parameters, workspace)
      if let tokens = pass.readTokens, let gradientOfRead, isLast(layer) {
        layer.backwardRead(
          kept, of: tokens, gradient: gradientOfRead, into: lowest < part ? gradient : nil,
          batch: batch, dropout: pass.dropout, sink: sink, parameters, workspace)
      } else {
        layer.backward(
          kept, gradient: gradient, batch: batch, dropout: pass.dropout,
          needsInputGradient: lowest < part, sink: sink, parameters, workspace)
      }
      arena.release(to: layerMark)
    }
    if lowest == .embeddings {
      embeddings.backward(
        pass.embeddings, gradient: gradient, batch: batch,
        dropout: pass.dropout.site(.embeddings), sink: sink, parameters, workspace)
    }
  }

  /// What the pass kept of a layer, or what running it again yields.
  private func kept(
    _ layer: EncoderLayer, of pass: Pass, _ batch: PackedBatch, _ parameters: ParameterVector,
    _ workspace: Workspace
  ) -> EncoderLayer.Kept {
    if !pass.layers.isEmpty { return pass.layers[layer.number] }
    let tokens = isLast(layer) ? pass.readTokens : nil
    return layer.forward(
      pass.input(ofLayer: layer.number), of: tokens,
      into: workspace.arena.takeMatrix(rows(of: tokens, batch), configuration.hiddenSize),
      batch: batch, positions: pass.positions, dropout: pass.dropout, parameters, workspace)
  }

  private func lowestPart(wantedBy sink: any GradientSink) -> NetworkPart? {
    var lowest: NetworkPart?
    for (index, parameter) in layout.parameters.enumerated() where sink.wants(ParameterID(index)) {
      lowest = min(parameter.part, lowest ?? .head)
    }
    return lowest
  }

  private func positions(
    _ batch: PackedBatch, _ sites: PassDropout, _ workspace: Workspace
  ) -> RelativePositions? {
    guard usesRelativePositions else { return nil }
    return RelativePositions(batch, dropout: sites.site(.distances), workspace)
  }
}
