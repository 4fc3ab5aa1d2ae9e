package import CTKCheckpoint
import CTKCore
package import CTKModel
package import CTKPatch
import CTKTensor

/// A network, its weights and what of it trains, to measure with.
package struct BenchSubject {
  package let network: SequenceClassifier
  package let parameters: ParameterVector
  package let plan: TrainablePlan

  private static let seed: UInt64 = 42

  /// Drawn weights of a known shape, and a child spread evenly.
  ///
  /// - Parameter keep: share of the encoder's weights that trains; 1 trains every weight.
  /// - Throws: `model.architecture-unsupported` and the codes of configurations.
  package init(_ shape: ModelShape, keep: Double) throws(TuningError) {
    let configuration = try TuningError.wrap { () throws(CoreError) in try shape.configuration }
    network = try TuningError.wrap { () throws(ModelError) in
      try SequenceClassifier(configuration: configuration, labelCount: 2)
    }
    parameters = ParameterVector(layout: network.layout)
    for id in network.layout.allIDs {
      parameters.initialize(
        id, deviation: configuration.initializerRange,
        random: CounterRandom(Self.seed, UInt64(id.index)))
    }
    plan = Self.evenPlan(network.layout, keep: keep)
  }

  /// A checkpoint's weights; its head is drawn where it has none.
  ///
  /// - Parameter mask: the child; nil spreads one evenly.
  /// - Throws: `mask.wrong-base`, and the codes of checkpoints and models.
  package init(
    _ checkpoint: Checkpoint, mask: ParameterMask?, keep: Double
  ) throws(TuningError) {
    let base = try TaskBase(checkpoint)
    let names = base.headLabels() ?? ["0", "1"]
    let model = try TaskModel.load(
      base, labels: names.count == 1 ? .score : .classes(names), seed: Self.seed)
    network = model.network
    parameters = model.parameters
    if let mask {
      plan = try TrainablePlan.of(
        network.layout, TrainableChoice(FinetuneOptions()), mask: mask,
        initialized: model.initialized)
    } else {
      plan = Self.evenPlan(network.layout, keep: keep)
    }
  }

  /// Every encoder weight trains with the probability `keep`, and the head whole.
  private static func evenPlan(_ layout: ParameterLayout, keep: Double) -> TrainablePlan {
    if keep >= 1 { return TrainablePlan(layout: layout, child: [:], dense: Set(layout.allIDs)) }
    var child: [ParameterID: [UInt32]] = [:]
    for id in layout.allIDs {
      guard case .layer = layout[id].part else { continue }
      var random = CounterRandom(seed, 0x6368_696C_64, UInt64(id.index))
      child[id] = (0..<UInt32(layout[id].count)).filter { _ in random.unit() < keep }
    }
    return TrainablePlan(
      layout: layout, child: child,
      dense: Set(layout.allIDs.filter { layout[$0].part == .head }))
  }
}
