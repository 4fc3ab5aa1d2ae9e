import CTKCore
package import CTKModel
package import CTKTensor

/// Seconds of each stage of training, scoring and evaluation on one batch of random tokens.
package struct StepBenchmark {
  /// A stage with what it has to compute.
  package struct Stage: Sendable {
    package let name: String
    /// Median over the rounds.
    package let seconds: Double
    /// Useful floating-point operations, or 0 for a stage that is bound by memory.
    package let operations: Double
  }

  package struct Shape: Sendable, Equatable {
    /// Sequences of a batch.
    package var batchSize: Int
    /// Tokens of every sequence.
    package var length: Int

    package init(batchSize: Int, length: Int) {
      self.batchSize = batchSize
      self.length = length
    }
  }

  private let network: SequenceClassifier
  private let parameters: ParameterVector
  private let plan: TrainablePlan
  private let compute: Compute
  private let activations: KeptActivations

  package init(
    network: SequenceClassifier, parameters: ParameterVector, plan: TrainablePlan,
    keeping activations: KeptActivations = .all, compute: Compute
  ) {
    self.network = network
    self.parameters = parameters
    self.plan = plan
    self.activations = activations
    self.compute = compute
  }

  /// Runs every stage `rounds` times after a first one.
  ///
  /// The weights move: give a copy that nobody else needs.
  /// - Throws: `model.sequence-too-long`.
  package func run(_ shape: Shape, rounds: Int) throws(ModelError) -> [Stage] {
    let batch = batch(shape)
    try network.validate(batch)
    let operations = UsefulOperations(network: network, plan: plan, batch: batch)
    return step(batch, operations, rounds) + fisher(batch, operations, rounds)
      + evaluation(batch, operations, rounds)
  }

  private func batch(_ shape: Shape) -> PackedBatch {
    var random = CounterRandom(0x62_656E_6368, UInt64(shape.length))
    var batch = PackedBatch()
    for _ in 0..<shape.batchSize {
      batch.append(
        tokenIDs: (0..<shape.length).map { _ in
          Int32(random.below(network.configuration.vocabularySize))
        },
        tokenTypeIDs: Array(repeating: 0, count: shape.length))
    }
    return batch
  }

  private func targets(_ batch: PackedBatch) -> Targets {
    network.labelCount == 1
      ? .scores(Array(repeating: 0.5, count: batch.sequenceCount))
      : .classes((0..<batch.sequenceCount).map { $0 % network.labelCount })
  }

  private func step(
    _ batch: PackedBatch, _ operations: UsefulOperations, _ rounds: Int
  ) -> [Stage] {
    let limits = BatchLimits(covering: [batch])
    let gradient = CompactGradient(
      plan: plan, rows: network.productRows(limits), compute: compute)
    let optimizer = AdamW(plan: plan, settings: AdamW.Settings(), compute: compute)
    let workspace = network.workspace(limits, compute: compute, keeping: activations)
    let targets = targets(batch)
    var seconds: [[Double]] = [[], [], []]
    for round in 0...rounds {
      var pass: SequenceClassifier.Pass?
      let forward = Stopwatch.seconds {
        pass = network.forward(
          batch, dropout: DropoutStream(seed: 1, step: UInt64(round)), parameters, workspace)
      }
      guard let pass else { break }
      let backward = Stopwatch.seconds {
        _ = Loss.gradient(
          of: pass.logits, targets: targets, weight: 1 / Float(batch.sequenceCount))
        network.backward(
          pass, logitGradient: pass.logits, batch: batch, sink: gradient, parameters, workspace)
      }
      let update = Stopwatch.seconds {
        optimizer.step(
          parameters, gradient: gradient,
          OptimizerUpdate(
            number: round + 1, learningRate: 1e-6,
            gradientScale: Float(min(1, 1 / (gradient.norm + 1e-6)))))
      }
      // The first round touches memory for the first time.
      if round == 0 { continue }
      for (stage, value) in [forward, backward, update].enumerated() {
        seconds[stage].append(value)
      }
    }
    withExtendedLifetime(workspace) {}
    let whole = seconds[0].indices.map { round in seconds.reduce(0) { $0 + $1[round] } }
    return [
      Stage(
        name: "forward", seconds: Stopwatch.median(seconds[0]), operations: operations.forward),
      Stage(
        name: "backward", seconds: Stopwatch.median(seconds[1]), operations: operations.backward),
      Stage(name: "update", seconds: Stopwatch.median(seconds[2]), operations: 0),
      Stage(
        name: "step", seconds: Stopwatch.median(whole),
        operations: operations.forward + operations.backward),
    ]
  }

  /// Squared gradients of each example over all matrices of the encoder.
  private func fisher(
    _ batch: PackedBatch, _ operations: UsefulOperations, _ rounds: Int
  ) -> [Stage] {
    let layout = network.layout
    let scored = layout.allIDs.filter { layout[$0].role == .matrix && layout[$0].part < .head }
    let sink = FisherAccumulator(
      layout: layout, scored: scored, granularity: .example, compute: compute)
    let workspace = network.workspace(
      BatchLimits(covering: [batch]), compute: compute, keeping: activations)
    let targets = targets(batch)
    let seconds = Stopwatch.median(rounds: rounds) {
      let pass = network.forward(batch, dropout: nil, parameters, workspace)
      _ = Loss.gradient(of: pass.logits, targets: targets, weight: 1)
      network.backward(
        pass, logitGradient: pass.logits, batch: batch, sink: sink, parameters, workspace)
    }
    withExtendedLifetime(workspace) {}
    return [
      Stage(
        name: "fisher", seconds: seconds,
        operations: 2 * operations.forward + operations.denseGradients)
    ]
  }

  private func evaluation(
    _ batch: PackedBatch, _ operations: UsefulOperations, _ rounds: Int
  ) -> [Stage] {
    let workspace = network.workspace(
      BatchLimits(covering: [batch]), compute: compute, keeping: .none)
    let seconds = Stopwatch.median(rounds: rounds) {
      _ = network.evaluate(batch, parameters, workspace)
    }
    withExtendedLifetime(workspace) {}
    return [Stage(name: "evaluate", seconds: seconds, operations: operations.forward)]
  }
}
