import CTKCore
package import CTKTensor

extension SequenceClassifier {
  var usesRelativePositions: Bool { embeddings.positions == nil }

  /// Whether the last layer can form the output of the tokens that the head reads alone.
  var readsOneToken: Bool {
    guard case .sequence(let head) = head, case .absolute? = layers.last?.attention else {
      return false
    }
    return head.summary != .mean
  }

  /// The tokens whose last hidden state a pass forms; nil for all.
  func readTokens(_ batch: PackedBatch, _ rows: LastLayerRows) -> ReadTokens? {
    guard rows == .read, readsOneToken, case .sequence(let head) = head else { return nil }
    return ReadTokens(offsets: batch.offsets, summary: head.summary)
  }

  /// Rows of the products with a matrix of the encoder, for all sequences of a batch, where
  /// only what the head reads is formed.
  package func rows(of id: ParameterID, in batch: PackedBatch) -> Int {
    guard readsOneToken, let last = layers.last, layout[id].part == .layer(last.number),
      case .absolute(let half) = last.attention, id != half.key.weight, id != half.value.weight
    else { return batch.tokenCount }
    return batch.sequenceCount
  }

  /// Queries of a sequence of some length in all layers together.
  package func queries(length: Int) -> Int {
    layers.count * length - (readsOneToken ? length - 1 : 0)
  }

  /// Most rows of a product that backward hands to a sink for such a batch.
  package func productRows(_ limits: BatchLimits) -> Int {
    usesRelativePositions ? 2 * limits.tokens : limits.tokens
  }

  /// A workspace for batches up to the limits.
  ///
  /// - Parameter isCommitted: whether it takes its memory now, not as it is used.
  package func workspace(
    _ limits: BatchLimits, compute: Compute, isCommitted: Bool = false,
    keeping activations: KeptActivations = .all, lastLayerRows: LastLayerRows = .read
  ) -> Workspace {
    Workspace(
      compute: compute,
      arenaCapacity: PassSize(self, limits).total(
        keeping: activations, formsRead: readsOneToken && lastLayerRows == .read),
      isCommitted: isCommitted, activations: activations, lastLayerRows: lastLayerRows,
      longest: limits.longest, headSize: configuration.headSize,
      distances: usesRelativePositions
        ? DistanceTable(
          longest: limits.longest, width: configuration.hiddenSize,
          limit: configuration.distanceLimit) : nil)
  }
}
