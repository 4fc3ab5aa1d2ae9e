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
    /// Floating-point operations that the stage cannot do without.
    package let operations: Double
    /// Bytes that it cannot help to read and write.
    package let bytes: Double
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
    let seconds = stepSeconds(batch, rounds)
    let bytes = operations.forwardBytes
    return [
      Stage(
        name: "forward", seconds: Stopwatch.median(seconds.map(\.forward)),
        operations: operations.forward, bytes: bytes),
      Stage(
        name: "backward", seconds: Stopwatch.median(seconds.map(\.backward)),
        operations: operations.backward, bytes: bytes),
      Stage(
        name: "update", seconds: Stopwatch.median(seconds.map(\.update)),
        operations: operations.update, bytes: operations.updateBytes),
      Stage(
        name: "step",
        seconds: Stopwatch.median(seconds.map { $0.forward + $0.backward + $0.update }),
        operations: operations.forward + operations.backward,
        bytes: 2 * bytes + operations.updateBytes),
    ]
  }

  private struct StepSeconds {
    let forward: Double
    let backward: Double
    let update: Double
  }

  private func stepSeconds(_ batch: PackedBatch, _ rounds: Int) -> [StepSeconds] {
    let limits = BatchLimits(covering: [batch])
    plan.makeWritable(in: parameters, by: compute)
    let gradient = CompactGradient(
      plan: plan, rows: network.productRows(limits), compute: compute)
    let optimizer = AdamW(plan: plan, settings: AdamW.Settings(), compute: compute)
    let workspace = network.workspace(limits, compute: compute, keeping: activations)
    let targets = targets(batch)
    var seconds: [StepSeconds] = []
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
      seconds.append(StepSeconds(forward: forward, backward: backward, update: update))
    }
    withExtendedLifetime(workspace) {}
    // The first round touches memory for the first time.
    return Array(seconds.dropFirst())
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
        operations: operations.fisher,
        bytes: 2 * operations.forwardBytes)
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
    return [
      Stage(
        name: "evaluate", seconds: seconds, operations: operations.forward,
        bytes: operations.forwardBytes)
    ]
  }
}
