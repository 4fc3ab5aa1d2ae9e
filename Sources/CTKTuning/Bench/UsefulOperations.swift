import CTKCore
package import CTKModel

/// Floating-point operations and memory traffic that a batch cannot do without.
///
/// Of the network only matrix products count, 2 m k n for [m, k] and [k, n]. What is done
/// twice to save memory counts once, and a weight gradient only over the rows and columns
/// that hold a child entry. Traffic is each weight and each kept activation once.
package struct UsefulOperations: Sendable, Equatable {
  package let forward: Double
  package let backward: Double
  /// A pass both ways with the gradient of every weight of every encoder matrix.
  package let fisher: Double
  package let update: Double
  /// Bytes of forward; backward reads them again.
  package let forwardBytes: Double
  package let updateBytes: Double

  /// Operations of AdamW on one weight.
  private static let adamWOperations = 15.0
  /// Numbers of AdamW on one weight: weight and moments read and written, gradient and
  /// position read.
  private static let adamWNumbers = 8.0

  /// - Parameter plan: what trains.
  package init(network: SequenceClassifier, plan: TrainablePlan, batch: PackedBatch) {
    let layout = network.layout
    let lowest = plan.slices.map { layout[$0.id].part }.min() ?? .head
    // Multiplications of one weight of each matrix, times its weights.
    var (products, inputs, gradients, matrices) = (0.0, 0.0, 0.0, 0.0)
    for id in layout.allIDs where Self.isEncoderMatrix(layout[id]) {
      let count = Double(layout[id].count)
      let rows = Double(network.rows(of: id, in: batch))
      matrices += count
      products += rows * count
      if layout[id].part >= lowest { inputs += rows * count }
      if let slice = plan.slice(of: id) { gradients += rows * Self.area(of: slice, plan) }
    }
    let attention = Self.attention(network, batch)
    forward = 2 * products + attention
    // Of a score product both operands have a gradient.
    backward = 2 * (inputs + gradients) + (lowest < .head ? 2 * attention : 0)
    fisher = 3 * (2 * products + attention)
    update = Self.adamWOperations * Double(plan.count)
    let number = Double(MemoryLayout<Float>.stride)
    updateBytes = number * Self.adamWNumbers * Double(plan.count)
    forwardBytes =
      number * (matrices + Self.keptActivations(network, tokens: Double(batch.tokenCount)))
  }

  /// Eight vectors of the hidden width and one of the inner width for each token and layer.
  private static func keptActivations(_ network: SequenceClassifier, tokens: Double) -> Double {
    let sizes = network.configuration
    return tokens * Double(sizes.layerCount * (8 * sizes.hiddenSize + sizes.intermediateSize))
  }

  private static func isEncoderMatrix(_ parameter: Parameter) -> Bool {
    parameter.role == .matrix && parameter.part < .head
  }

  /// Entries of a matrix gradient that are formed.
  private static func area(of slice: TrainablePlan.Slice, _ plan: TrainablePlan) -> Double {
    let parameter = plan.layout[slice.id]
    guard let first = slice.firstPosition else { return Double(parameter.count) }
    let window = GradientWindow(
      positions: UnsafeBufferPointer(start: plan.positions.base + first, count: slice.count),
      rows: parameter.rows, columns: parameter.columns)
    return Double(window.rows.count) * Double(window.columns.count)
  }

  /// Scores and weighted sums of every layer and sequence: two products of Q x L x H for Q
  /// queries, which are L but in a last layer of which one token is read.
  private static func attention(_ network: SequenceClassifier, _ batch: PackedBatch) -> Double {
    let pairs = (0..<batch.sequenceCount).map {
      Double(network.queries(length: batch.length($0)) * batch.length($0))
    }
    return 4 * pairs.reduce(0, +) * Double(network.configuration.hiddenSize)
  }
}
