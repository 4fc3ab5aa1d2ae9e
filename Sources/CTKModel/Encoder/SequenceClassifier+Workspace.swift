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

  /// Upper bound on the blocks one layer takes, for their rounding.
  private static let blocksOfLayer = 32

  /// Floats of arena that a pass over such a batch takes.
  package func arenaCapacity(_ limits: BatchLimits, keeping activations: KeptActivations) -> Int {
    let (tokens, width) = (limits.tokens, configuration.hiddenSize)
    let inner = configuration.intermediateSize
    // With dropout every sequence of L tokens has 2 L - 1 distances of its own.
    let distances = usesRelativePositions ? 2 * tokens * width : 0
    let keptByLayer =
      tokens * (8 * width + inner + configuration.headCount + 4) + distances
      + 16 * Self.blocksOfLayer
    let keptByEmbeddings = tokens * (4 * width + 2) + distances + 16 * Self.blocksOfLayer
    let scratch =
      tokens * (6 * width + 3 * inner) + 3 * distances
      + (usesRelativePositions ? 5 * limits.sequences * width : 0) + 16 * Self.blocksOfLayer
    let headRows = headKind == .sequence ? limits.sequences : tokens
    let headBlocks = headRows * (8 * width + 4 * max(labelCount, 16)) + 16 * 16
    let kept =
      switch activations {
      case .all: keptByLayer * layers.count
      case .layerInputs: keptByLayer + Arena.rounded(tokens * width) * layers.count
      case .none: keptByLayer * 2
      }
    let gradientOfRead = Arena.rounded(limits.sequences * width)
    return keptByEmbeddings + kept + scratch + headBlocks + gradientOfRead
  }

  /// Most rows of a product that backward hands to a sink for such a batch.
  package func productRows(_ limits: BatchLimits) -> Int {
    usesRelativePositions ? 2 * limits.tokens : limits.tokens
  }

  /// A workspace for batches up to the limits.
  package func workspace(
    _ limits: BatchLimits, compute: Compute, keeping activations: KeptActivations = .all,
    lastLayerRows: LastLayerRows = .read
  ) -> Workspace {
    Workspace(
      compute: compute, arenaCapacity: arenaCapacity(limits, keeping: activations),
      activations: activations, lastLayerRows: lastLayerRows, longest: limits.longest,
      headSize: configuration.headSize,
      distances: usesRelativePositions
        ? DistanceTable(
          longest: limits.longest, width: configuration.hiddenSize,
          limit: configuration.distanceLimit) : nil)
  }
}
