import CTKCore
import CTKTensor

/// Floats of arena that the parts of a pass take, for batches up to some limits.
struct PassSize {
  private let network: SequenceClassifier
  private let limits: BatchLimits
  private var tokens: Int { limits.tokens }
  private var width: Int { network.configuration.hiddenSize }
  private var inner: Int { network.configuration.intermediateSize }
  private var heads: Int { network.configuration.headCount }

  init(_ network: SequenceClassifier, _ limits: BatchLimits) {
    self.network = network
    self.limits = limits
  }

  /// Upper bound on what the rounding of one part's blocks adds.
  private static let rounding = 32 * Arena.rounded(1)

  /// Rows by distance for each sequence: with dropout L tokens have 2 L - 1 of their own.
  private var distanceRows: Int { network.usesRelativePositions ? 2 * tokens * width : 0 }

  /// What forward and backward take for a batch.
  ///
  /// - Parameter formsRead: whether the last layer forms only what the head reads.
  func total(keeping activations: KeptActivations, formsRead: Bool) -> Int {
    embeddings + kept(activations, formsRead: formsRead) + head
      + max(layerScratch, headBackward)
  }

  private func kept(_ activations: KeptActivations, formsRead: Bool) -> Int {
    let count = network.layers.count
    switch activations {
    case .all where formsRead: return layer * (count - 1) + readLayer
    case .all: return layer * count
    case .layerInputs: return layer + Arena.rounded(tokens * width) * count
    case .none: return layer + Arena.rounded(tokens * width)
    }
  }

  /// The lowest hidden state, and what its normalisation and projection keep.
  private var embeddings: Int {
    let inside = network.layout[network.embeddings.words].columns
    let projected = network.embeddings.projection == nil ? 0 : tokens * inside
    return tokens * (width + inside + 2) + projected + distanceRows + Self.rounding
  }

  /// Output and kept activations of a layer that forms every token's row.
  private var layer: Int {
    tokens * (8 * width + inner + heads + 4) + distanceRows + Self.rounding
  }

  /// The same for a layer that forms one row for each sequence, of keys and values for all.
  private var readLayer: Int {
    2 * tokens * width + limits.sequences * (8 * width + inner + heads + 4) + Self.rounding
  }

  /// A gradient of the hidden state, one of what the head reads, and what either half of a
  /// layer takes for its own backward pass.
  private var layerScratch: Int {
    let attention =
      5 * tokens * width + 2 * distanceRows
      + (network.usesRelativePositions ? 5 * limits.sequences * width : 0)
    let feedForward = tokens * (width + 2 * inner)
    return (tokens + limits.sequences) * width + max(attention, feedForward) + Self.rounding
  }

  /// Rows that the head forms.
  private var headRows: Int { network.headKind == .sequence ? limits.sequences : tokens }

  /// What the head keeps, and a copy of the logits.
  private var head: Int {
    let vectors = network.headKind == .sequence ? 4 : 1
    return headRows * (vectors * width + 2 * network.labelCount) + Self.rounding
  }

  private var headBackward: Int {
    (tokens + limits.sequences) * width
      + (network.headKind == .sequence ? 3 * headRows * width : 0) + Self.rounding
  }
}
