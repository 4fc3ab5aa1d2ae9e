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
    let tokens = Double(batch.tokenCount)
    var (matrices, lowest) = (0.0, NetworkPart.head)
    for parameter in layout.parameters where Self.isEncoderMatrix(parameter) {
      matrices += Double(parameter.count)
    }
    var (gradients, inputs) = (0.0, 0.0)
    for slice in plan.slices {
      let parameter = layout[slice.id]
      lowest = min(lowest, parameter.part)
      if Self.isEncoderMatrix(parameter) { gradients += Self.area(of: slice, plan) }
    }
    for parameter in layout.parameters
    where Self.isEncoderMatrix(parameter) && parameter.part >= lowest {
      inputs += Double(parameter.count)
    }
    let attention = Self.attention(network, batch)
    forward = 2 * tokens * matrices + attention
    // Of a score product both operands have a gradient.
    backward = 2 * tokens * (inputs + gradients) + (lowest < .head ? 2 * attention : 0)
    fisher = 3 * (2 * tokens * matrices + attention)
    update = Self.adamWOperations * Double(plan.count)
    let number = Double(MemoryLayout<Float>.stride)
    updateBytes = number * Self.adamWNumbers * Double(plan.count)
    forwardBytes = number * (matrices + Self.keptActivations(network, tokens: tokens))
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

  /// Scores and weighted sums of every layer and sequence: two products of L x L x H.
  private static func attention(_ network: SequenceClassifier, _ batch: PackedBatch) -> Double {
    let squares = (0..<batch.sequenceCount).map { Double(batch.length($0) * batch.length($0)) }
    let configuration = network.configuration
    return 4 * squares.reduce(0, +) * Double(configuration.hiddenSize * configuration.layerCount)
  }
}
