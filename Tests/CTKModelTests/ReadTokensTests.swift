import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import Testing

/// A last layer that forms only what the head reads is the same function as a whole one,
/// with dropout as without.
@Suite(.tags(.numeric))
struct ReadTokensTests {
  private struct Passed {
    let logits: [Float]
    let lastRows: Int
    let gradient: DenseGradient
  }

  private func pass(
    _ model: ReferenceModel, _ network: SequenceClassifier, _ rows: LastLayerRows,
    keeping activations: KeptActivations = .all
  ) throws -> Passed {
    let batch = try model.batch()
    let workspace = network.workspace(
      BatchLimits(covering: [batch]), compute: Compute(threadCount: 2), keeping: activations,
      lastLayerRows: rows)
    let pass = network.forward(
      batch, dropout: DropoutStream(seed: 5, step: 2), model.parameters, workspace)
    let logits = pass.logits.array()
    _ = Loss.gradient(of: pass.logits, targets: try model.targets(), weight: 1)
    let sink = DenseGradient(network.layout)
    network.backward(
      pass, logitGradient: pass.logits, batch: batch, sink: sink, model.parameters, workspace)
    let lastRows = pass.hiddenStates.last?.rows ?? 0
    return withExtendedLifetime(workspace) {
      Passed(logits: logits, lastRows: lastRows, gradient: sink)
    }
  }

  @Test(arguments: ReferenceModel.folders)
  func equalsAWholeLayer(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let network = try model.network(hiddenDropout: 0.2, attentionDropout: 0.3)
    let whole = try pass(model, network, .all)
    let batch = try model.batch()
    #expect(whole.lastRows == batch.tokenCount)
    for activations in [KeptActivations.all, .layerInputs] {
      let read = try pass(model, network, .read, keeping: activations)
      // Relative attention forms every row.
      #expect(read.lastRows == (folder == "xlnet" ? batch.tokenCount : batch.sequenceCount))
      #expect(
        Closeness.of(read.logits, whole.logits, absolute: 2e-6, relative: 2e-6).isWithin)
      for parameter in network.layout.parameters {
        let closeness = Closeness.of(
          read.gradient.floats(parameter.name), whole.gradient.floats(parameter.name),
          absolute: 2e-5, relative: 1e-5)
        #expect(closeness.isWithin, "\(parameter.name): \(closeness)")
      }
    }
  }

  /// Evaluation alternates two buffers, of which the last layer needs fewer rows.
  @Test(arguments: ReferenceModel.folders)
  func evaluationReadsTheSame(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let batch = try model.batch()
    let logits = [LastLayerRows.read, .all].map { rows in
      let workspace = model.network.workspace(
        BatchLimits(covering: [batch]), compute: Compute(threadCount: 2), keeping: .none,
        lastLayerRows: rows)
      return withExtendedLifetime(workspace) {
        model.network.evaluate(batch, model.parameters, workspace).logits.array()
      }
    }
    let closeness = Closeness.of(logits[0], logits[1], absolute: 2e-6, relative: 2e-6)
    #expect(closeness.isWithin, "\(closeness)")
  }
}
