import CTKCore
import CTKModel
import CTKTestSupport
import CTKTuning
import Testing

@Suite(.tags(.numeric))
struct UsefulOperationsTests {
  private let model: ReferenceModel
  private let batch: PackedBatch

  init() throws {
    model = try ReferenceModel("bert")
    batch = try model.batch()
  }

  private var configuration: ModelConfiguration { model.network.configuration }

  /// Products of each token with four square matrices and two of the feed-forward block.
  private var layerProducts: Int {
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    return 2 * batch.tokenCount * (4 * width * width + 2 * width * inner)
  }

  /// The last layer has keys and values of all tokens; of each sequence the head reads one.
  private var lastLayerProducts: Int {
    let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
    return 2 * batch.tokenCount * 2 * width * width
      + 2 * batch.sequenceCount * (2 * width * width + 2 * width * inner)
  }

  private var products: Double {
    Double((configuration.layerCount - 1) * layerProducts + lastLayerProducts)
  }

  /// Scores and weighted sums, two products of L x L x H in each layer and of 1 x L x H in
  /// the last one.
  private var attention: Double {
    (0..<batch.sequenceCount).map { sequence in
      let length = batch.length(sequence)
      let queries = (configuration.layerCount - 1) * length + 1
      return Double(2 * 2 * queries * length * configuration.hiddenSize)
    }.reduce(0, +)
  }

  private func operations(
    child: [ParameterID: [UInt32]], dense: Set<ParameterID>
  ) -> UsefulOperations {
    UsefulOperations(
      network: model.network,
      plan: TrainablePlan(layout: model.network.layout, child: child, dense: dense),
      batch: batch)
  }

  @Test func everyWeight() {
    let found = operations(child: [:], dense: Set(model.network.layout.allIDs))
    #expect(found.forward == products + attention)
    #expect(found.backward == 2 * products + 2 * attention)
    #expect(found.fisher == found.forward + found.backward)
  }

  /// One weight of the top layer: its gradient is one sum over the tokens that the head reads,
  /// and the gradient of the activations ends at its layer.
  @Test func oneWeight() throws {
    let layout = model.network.layout
    let id = try #require(
      layout.allIDs.last {
        layout[$0].role == .matrix && layout[$0].part == .layer(configuration.layerCount - 1)
      })
    let found = operations(child: [id: [3]], dense: [])
    let expected = lastLayerProducts + 2 * batch.sequenceCount
    #expect(found.backward == Double(expected) + 2 * attention)
  }

  /// A roof is the memory's up to the ridge and the products' from there on.
  @Test(arguments: [(0.5, 5.0), (2, 20), (10, 100), (11, 100)])
  func roofs(_ intensity: Double, _ expected: Double) {
    let ceilings = MachineCeilings(productRate: 100, copyRate: 10, digestRate: 1)
    #expect(ceilings.roof(intensity: intensity) == expected)
  }

  @Test func headAlone() {
    let layout = model.network.layout
    let found = operations(
      child: [:], dense: Set(layout.allIDs.filter { layout[$0].part == .head }))
    #expect(found.backward == 0)
  }
}
