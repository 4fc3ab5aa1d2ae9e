import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import CTKText
import CTKTuning
import Testing

/// Clipping and sampled labels, against what they mean.
@Suite(.tags(.numeric))
struct FisherVariantTests {
  private func encodings(_ model: ReferenceModel) throws -> [Encoding] {
    let batch = try model.batch()
    return (0..<batch.sequenceCount).map { sequence in
      let range = batch.offsets[sequence]..<batch.offsets[sequence + 1]
      return Encoding(
        inputIDs: Array(batch.tokenIDs[range]), tokenTypeIDs: Array(batch.tokenTypeIDs[range]))
    }
  }

  private func scores(
    _ model: ReferenceModel, _ data: TokenizedDataset, _ settings: FisherEstimator.Settings
  ) throws -> [ParameterID: [Double]] {
    let estimator = FisherEstimator(
      network: model.network, parameters: model.parameters, compute: Compute(threadCount: 2))
    let scored = model.network.layout.allIDs
    let result = try estimator.estimate(data, scored: scored, settings: settings)
    var scores: [ParameterID: [Double]] = [:]
    for id in scored {
      let base = try #require(result.pointer(id))
      scores[id] = (0..<model.network.layout[id].count).map { Double(base[$0]) }
    }
    return scores
  }

  /// PyTorch's gradient of the whole batch, each tensor clipped on its own and squared.
  @Test(arguments: ["bert", "xlnet"], [0.05, 0.5])
  func batchGradientsAreClippedTensorByTensor(_ folder: String, _ limit: Double) throws {
    let model = try ReferenceModel(folder)
    var settings = FisherEstimator.Settings()
    settings.granularity = .batch
    settings.clippingNorm = limit
    let data = TokenizedDataset(try encodings(model), targets: try model.targets())
    var clipped = 0
    for (id, values) in try scores(model, data, settings) {
      let parameter = model.network.layout[id]
      guard model.parity.tensors.info(of: "grad." + parameter.name) != nil else { continue }
      let gradient = try model.expectedGradient(parameter).map(Double.init)
      let norm = gradient.map { $0 * $0 }.reduce(0, +).squareRoot()
      let factor = min(1, limit / (norm + 1e-6))
      if factor < 1 { clipped += 1 }
      let expected = gradient.map { factor * $0 * factor * $0 }
      let closeness = Closeness.of(values, expected, absolute: 1e-7, relative: 1e-4)
      #expect(closeness.isWithin, "\(parameter.name): \(closeness)")
    }
    #expect(clipped > 0)
  }

  /// The mean over examples of each one's own clipped and squared gradient.
  @Test func examplesAreClippedOneByOne() throws {
    let model = try ReferenceModel("bert")
    let encodings = try encodings(model)
    guard case .classes(let labels) = try model.targets() else { return }
    var settings = FisherEstimator.Settings()
    settings.batchSize = 3
    settings.clippingNorm = 0.05
    let found = try scores(
      model, TokenizedDataset(encodings, targets: .classes(labels)), settings)
    var expected: [ParameterID: [Double]] = [:]
    settings.clippingNorm = nil
    for (encoding, label) in zip(encodings, labels) {
      let alone = TokenizedDataset([encoding], targets: .classes([label]))
      for (id, squares) in try scores(model, alone, settings) {
        let factor = min(1, 0.05 / (squares.reduce(0, +).squareRoot() + 1e-6))
        let scaled = squares.map { factor * factor * $0 / Double(encodings.count) }
        expected[id] = expected[id].map { zip($0, scaled).map(+) } ?? scaled
      }
    }
    for (id, values) in found {
      let closeness = Closeness.of(
        values, try #require(expected[id]), absolute: 1e-9, relative: 2e-5)
      #expect(closeness.isWithin, "\(model.network.layout[id].name): \(closeness)")
    }
  }

  /// Fisher information with sampled labels is that with the drawn labels as gold.
  @Test(arguments: ["bert", "bert-regression"])
  func sampledLabelsTakeThePlaceOfGold(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let data = TokenizedDataset(try encodings(model), targets: try model.targets())
    var settings = FisherEstimator.Settings()
    settings.batchSize = 2
    let evaluator = Evaluator(
      network: model.network, parameters: model.parameters, compute: Compute(threadCount: 1))
    let logits = try evaluator.logits(of: data)
    let storage = FloatBuffer(count: logits.count * logits[0].count)
    for (index, value) in logits.joined().enumerated() { storage.base[index] = value }
    let drawn = LabelSampler(seed: settings.seed).draw(
      from: Matrix(storage.base, rows: logits.count, columns: logits[0].count),
      examples: Array(logits.indices), like: try model.targets())
    let gold = try scores(model, TokenizedDataset(try encodings(model), targets: drawn), settings)
    settings.labels = .sampled
    for (id, values) in try scores(model, data, settings) {
      let closeness = Closeness.of(
        values, try #require(gold[id]), absolute: 1e-9, relative: 1e-3)
      #expect(closeness.isWithin, "\(model.network.layout[id].name): \(closeness)")
    }
  }

  /// Of labelled words an example's own gradient is that of all its words together.
  @Test(arguments: [FisherLabels.gold, .sampled])
  func sentencesOfLabelledWords(_ labels: FisherLabels) throws {
    let reference = try ReferenceModel("bert")
    let network = try SequenceClassifier(
      configuration: reference.network.configuration, labelCount: 3, head: .tokens)
    let parameters = ParameterVector(layout: network.layout)
    for id in network.layout.allIDs {
      parameters.initialize(
        id, deviation: 0.1, random: CounterRandom(1, UInt64(id.index), 0))
    }
    let encodings = try encodings(reference)
    let sentences = encodings.map { encoding in
      WordEncoding(
        encoding: encoding,
        firstPieces: (1..<encoding.inputIDs.count).map { $0 % 2 == 0 ? nil : $0 })
    }
    let tags = sentences.map { $0.firstPieces.indices.map { $0 % 3 } }
    let estimator = FisherEstimator(
      network: network, parameters: parameters, compute: Compute(threadCount: 2))
    func estimate(_ data: TokenizedDataset) throws -> [Float] {
      var settings = FisherEstimator.Settings()
      settings.labels = labels
      return try estimator.estimate(data, scored: network.layout.allIDs, settings: settings)
        .scores.array()
    }
    let together = try estimate(TokenizedDataset(sentences, tags: tags))
    #expect(together.contains { $0 > 0 } && together.allSatisfy { $0.isFinite && $0 >= 0 })
    // Draws depend on a row's number in the data, so one by one only gold labels are the same.
    guard labels == .gold else { return }
    var sum = [Double](repeating: 0, count: together.count)
    for (sentence, tags) in zip(sentences, tags) {
      let alone = try estimate(TokenizedDataset([sentence], tags: [tags]))
      for index in sum.indices { sum[index] += Double(alone[index]) / Double(sentences.count) }
    }
    #expect(Closeness.of(together, sum, absolute: 1e-9, relative: 1e-4).isWithin)
  }

  /// Draws follow the softmax: frequencies within four standard errors.
  @Test func classesAreDrawnByTheirProbabilities() {
    let logits: [Float] = [1, 0, -1]
    let storage = FloatBuffer(count: 3)
    for (index, value) in logits.enumerated() { storage.base[index] = value }
    let row = Matrix(storage.base, rows: 1, columns: 3)
    let sampler = LabelSampler(seed: 3)
    var counts = [0, 0, 0]
    let draws = 20_000
    for example in 0..<draws {
      if case .classes(let ids) = sampler.draw(
        from: row, examples: [example], like: .classes([0]))
      {
        counts[ids[0]] += 1
      }
    }
    let exponentials = [2.718281828, 1, 0.367879441]
    for (count, weight) in zip(counts, exponentials) {
      let probability = weight / exponentials.reduce(0, +)
      let error = (probability * (1 - probability) * Double(draws)).squareRoot()
      #expect(abs(Double(count) - probability * Double(draws)) < 4 * error)
    }
  }

  /// A score's negative log-likelihood is its squared error: a normal of variance 1/2.
  @Test func scoresAreDrawnAroundThePrediction() {
    let storage = FloatBuffer(count: 1)
    storage.base[0] = 2
    let sampler = LabelSampler(seed: 5)
    let draws = (0..<20_000).compactMap { example -> Double? in
      let drawn = sampler.draw(
        from: Matrix(storage.base, rows: 1, columns: 1), examples: [example], like: .scores([0]))
      if case .scores(let values) = drawn { return Double(values[0]) }
      return nil
    }
    let mean = draws.reduce(0, +) / Double(draws.count)
    let variance = draws.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(draws.count)
    #expect(abs(mean - 2) < 0.02)
    #expect(abs(variance - 0.5) < 0.02)
  }
}
