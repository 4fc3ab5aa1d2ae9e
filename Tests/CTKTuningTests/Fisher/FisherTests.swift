import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import CTKText
import CTKTuning
import Testing

/// Fisher information of the reference models against PyTorch, one example at a time.
@Suite(.tags(.numeric))
struct FisherTests {
  private func dataset(_ model: ReferenceModel) throws -> TokenizedDataset {
    let batch = try model.batch()
    let encodings = (0..<batch.sequenceCount).map { sequence in
      let range = batch.offsets[sequence]..<batch.offsets[sequence + 1]
      return Encoding(
        inputIDs: Array(batch.tokenIDs[range]), tokenTypeIDs: Array(batch.tokenTypeIDs[range]))
    }
    return TokenizedDataset(encodings, targets: try model.targets())
  }

  private func encoderParameters(_ layout: ParameterLayout) -> [ParameterID] {
    layout.allIDs.filter {
      if case .layer = layout[$0].part { true } else { false }
    }
  }

  private func scores(
    _ model: ReferenceModel, _ settings: FisherEstimator.Settings
  ) throws -> [ParameterID: [Double]] {
    let estimator = FisherEstimator(
      network: model.network, parameters: model.parameters, compute: Compute(threadCount: 2))
    let scored = encoderParameters(model.network.layout)
    let result = try estimator.estimate(try dataset(model), scored: scored, settings: settings)
    var scores: [ParameterID: [Double]] = [:]
    for id in scored {
      let base = try #require(result.pointer(id))
      scores[id] = (0..<model.network.layout[id].count).map { Double(base[$0]) }
    }
    return scores
  }

  @Test(arguments: ReferenceModel.folders, [1, 4, 16])
  func sumsOfSquaredExampleGradients(_ folder: String, _ batchSize: Int) throws {
    let model = try ReferenceModel(folder)
    var settings = FisherEstimator.Settings()
    settings.batchSize = batchSize
    let count = Double(try model.targets().count)
    for (id, values) in try scores(model, settings) {
      let name = model.network.layout[id].name
      let sums = values.map { $0 * count }
      // Trimmed files have the sums of the lowest layer, and of the others their summary.
      guard model.parity.tensors.info(of: "fisher." + name) != nil else {
        try expectSummary(model, name, sums)
        continue
      }
      let expected = try model.parity.floats("fisher." + name)
      // Squares double the relative error of a gradient; key biases are noise near 1e-13.
      let closeness = Closeness.of(sums, expected, absolute: 1e-7, relative: 1e-4)
      #expect(closeness.isWithin, "\(name): \(closeness)")
    }
  }

  private func expectSummary(
    _ model: ReferenceModel, _ name: String, _ sums: [Double]
  ) throws {
    let summary = try #require(model.parity.facts["fisher_summary"]?[name])
    let (sum, squares) = (
      try #require(summary["sum"]?.doubleValue), try #require(summary["sum_sq"]?.doubleValue)
    )
    #expect(abs(sums.reduce(0, +) - sum) < 1e-9 + 1e-4 * sum, "\(name)")
    let found = sums.map { $0 * $0 }.reduce(0, +)
    #expect(abs(found - squares) < 1e-9 + 2e-4 * squares, "\(name)")
  }

  /// A batch of everything scores the squared mean gradient, which the parity file has.
  @Test(arguments: ["bert", "xlnet"])
  func perBatchSquaresTheMeanGradient(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    var settings = FisherEstimator.Settings()
    settings.granularity = .batch
    for (id, values) in try scores(model, settings) {
      let name = model.network.layout[id].name
      let expected = try model.parity.floats("grad." + name).map { Double($0) * Double($0) }
      let closeness = Closeness.of(values, expected, absolute: 1e-7, relative: 1e-4)
      #expect(closeness.isWithin, "\(name): \(closeness)")
    }
  }

  /// Two opposite gradients cancel in a batch mean but not example by example.
  @Test func examplesAndBatchesDifferOnOppositeGradients() throws {
    let model = try ReferenceModel("bert-regression")
    var encodings: [Encoding] = []
    let batch = try model.batch()
    let range = batch.offsets[0]..<batch.offsets[1]
    let encoding = Encoding(
      inputIDs: Array(batch.tokenIDs[range]), tokenTypeIDs: Array(batch.tokenTypeIDs[range]))
    encodings = [encoding, encoding]
    let logit = model.evaluateLogit(encoding)
    let data = TokenizedDataset(encodings, targets: .scores([logit - 1, logit + 1]))
    let estimator = FisherEstimator(
      network: model.network, parameters: model.parameters, compute: Compute(threadCount: 1))
    let scored = encoderParameters(model.network.layout)
    var settings = FisherEstimator.Settings()
    let example = try estimator.estimate(data, scored: scored, settings: settings)
    settings.granularity = .batch
    let mean = try estimator.estimate(data, scored: scored, settings: settings)
    let (byExample, byBatch) = (
      example.scores.array().max() ?? 0, mean.scores.array().max() ?? 1
    )
    #expect(byExample > 1e-3)
    #expect(byBatch < 1e-9 * byExample + 1e-9)
  }
}

extension ReferenceModel {
  fileprivate func evaluateLogit(_ encoding: Encoding) -> Float {
    var batch = PackedBatch()
    batch.append(tokenIDs: encoding.inputIDs, tokenTypeIDs: encoding.tokenTypeIDs)
    return evaluate(batch, compute: Compute(threadCount: 1)) { $0.logits.array()[0] }
  }
}
