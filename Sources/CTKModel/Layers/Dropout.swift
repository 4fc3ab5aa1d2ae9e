package import CKernels
package import CTKCore
import CTKTensor

/// Where dropout draws its randomness in one step.
package struct DropoutStream: Sendable {
  package let seed: UInt64
  package let step: UInt64

  package init(seed: UInt64, step: UInt64) {
    self.seed = seed
    self.step = step
  }

  /// The places of a network that drop entries.
  package enum Place: UInt64, Sendable {
    /// Output of the embedding block.
    case embeddings = 1
    /// Attention probabilities.
    case attention
    /// Output projection of the attention.
    case attentionOutput
    /// Output of the feed-forward block.
    case feedForwardOutput
    /// Input of the last linear layer.
    case classifier
    /// Encodings of the distances between tokens.
    case distances
    /// Activations within the feed-forward block.
    case activation
    /// Input of the head's dense layer.
    case headInput
    /// Input of a token head.
    case tokens
  }

  package func site(_ place: Place, layer: Int = 0, probability: Float) -> ctk_dropout {
    ctk_dropout(
      probability: probability,
      random: CounterRandom(seed, step, place.rawValue, UInt64(layer)))
  }
}

/// How often each place of a family's network drops entries, as its original code does.
package struct DropoutRates: Sendable {
  private let hidden: Float
  private let attention: Float
  private let attentionOutput: Float
  private let distances: Float
  private let activation: Float
  private let headInput: Float
  private let classifier: Float
  private let tokens: Float

  package init(_ configuration: ModelConfiguration) {
    let family = configuration.architecture
    hidden = configuration.hiddenDropout
    attention = configuration.attentionDropout
    attentionOutput = family == .distilbert ? 0 : hidden
    distances = family == .xlnet ? hidden : 0
    activation = family == .xlnet ? hidden : 0
    let head = configuration.classifierDropout ?? hidden
    // DistilBERT's own rate is for sequences; XLNet drops the encoder's output.
    tokens = family == .distilbert || family == .xlnet ? hidden : head
    switch family {
    case .bert, .distilbert: (headInput, classifier) = (0, head)
    case .roberta, .electra: (headInput, classifier) = (head, head)
    case .xlnet: (headInput, classifier) = (hidden, configuration.summary?.dropout ?? 0)
    }
  }

  package subscript(place: DropoutStream.Place) -> Float {
    switch place {
    case .embeddings, .feedForwardOutput: hidden
    case .attention: attention
    case .attentionOutput: attentionOutput
    case .distances: distances
    case .activation: activation
    case .headInput: headInput
    case .classifier: classifier
    case .tokens: tokens
    }
  }
}

/// The dropout of one pass: nothing drops without a stream.
struct PassDropout {
  let stream: DropoutStream?
  let rates: DropoutRates

  func site(_ place: DropoutStream.Place, layer: Int = 0) -> ctk_dropout {
    stream?.site(place, layer: layer, probability: rates[place]) ?? .off
  }
}

extension Compute {
  /// Drops entries of the rows; the same matrix may be source and target.
  ///
  /// - Parameter tokens: those that have a row; nil when all have.
  func drop(
    _ source: Matrix, of tokens: ReadTokens? = nil, into target: Matrix, _ site: ctk_dropout
  ) {
    precondition(source.isContiguous && target.isContiguous)
    parallel(source.rows, weight: source.columns) { part in
      tokens.forEachRun(of: part) { rows, token in
        kernels.dropout(
          source.rows(rows).base, target.rows(rows).base, site,
          UInt32(truncatingIfNeeded: token * source.columns), rows.count * source.columns)
      }
    }
  }

  /// The other side of a dropout site, for values and gradients alike; the same matrix
  /// when nothing is dropped.
  func dropped(
    _ gradient: Matrix, of tokens: ReadTokens? = nil, _ site: ctk_dropout, _ arena: Arena
  ) -> Matrix {
    if site.threshold == 0 { return gradient }
    let result = arena.takeMatrix(gradient.rows, gradient.columns)
    drop(gradient, of: tokens, into: result, site)
    return result
  }
}
