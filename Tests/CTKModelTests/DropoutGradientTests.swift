import CTKCore
import CTKModel
import CTKSafetensors
import CTKTensor
import CTKTestSupport
import Testing

/// Backward passes against finite differences with every dropout site on.
///
/// The stream of a step is a function of its seed, so the loss stays one smooth function of
/// the weights however often it is evaluated.
@Suite(.tags(.numeric))
struct DropoutGradientTests {
  /// A reference model whose sites all drop, and one batch.
  private struct Subject {
    let network: SequenceClassifier
    let parameters: ParameterVector
    let batch: PackedBatch
    let targets: Targets
    let workspace: Workspace
    let stream = DropoutStream(seed: 20261125, step: 3)

    init(
      _ folder: String, _ compute: Compute, keeping activations: KeptActivations = .all
    ) throws {
      let model = try ReferenceModel(folder)
      network = try model.network(
        hiddenDropout: 0.2, attentionDropout: 0.3, classifierDropout: 0.1)
      parameters = model.parameters
      batch = try model.batch()
      targets = try model.targets()
      workspace = network.workspace(
        BatchLimits(covering: [batch]), compute: compute, keeping: activations)
    }

    /// Mean loss of the batch.
    func loss(dropout: DropoutStream?) -> Double {
      let pass = network.forward(batch, dropout: dropout, parameters, workspace)
      return Loss.gradient(of: pass.logits, targets: targets, weight: 1) / Double(targets.count)
    }

    func gradient() -> DenseGradient {
      let pass = network.forward(batch, dropout: stream, parameters, workspace)
      _ = Loss.gradient(
        of: pass.logits, targets: targets, weight: 1 / Float(batch.sequenceCount))
      let sink = DenseGradient(network.layout)
      network.backward(
        pass, logitGradient: pass.logits, batch: batch, sink: sink, parameters, workspace)
      return sink
    }

    /// Slope of the loss along a direction, by central differences at two distances.
    func slope(_ id: ParameterID, along direction: [Double]) -> Double {
      parameters.own(id)
      let weights = parameters.mutablePointer(id)
      let original = parameters.array(id)
      func difference(_ distance: Double) -> Double {
        let ends = [distance, -distance].map { offset in
          for index in original.indices {
            weights[index] = Float(Double(original[index]) + offset * direction[index])
          }
          return loss(dropout: stream)
        }
        for index in original.indices { weights[index] = original[index] }
        return (ends[0] - ends[1]) / (2 * distance)
      }
      // Richardson: the error of second order cancels. Nearer ends would let the loss's own
      // rounding, some 1e-6, through: it is divided by the distance.
      return (4 * difference(0.04) - difference(0.08)) / 3
    }
  }

  private static func unit(_ vector: [Double]) -> [Double] {
    let norm = vector.map { $0 * $0 }.reduce(0, +).squareRoot()
    return norm > 0 ? vector.map { $0 / norm } : vector
  }

  @Test("Every parameter's gradient", arguments: ["bert", "bert-regression"])
  func everyParameter(_ folder: String) throws {
    for kernels in Kernels.all {
      let subject = try Subject(folder, Compute(threadCount: 2, kernels: kernels))
      let dropped = subject.loss(dropout: subject.stream)
      #expect(abs(dropped - subject.loss(dropout: nil)) > 1e-3, "nothing was dropped")
      let gradient = subject.gradient()
      var random = SeededGenerator(seed: 77)
      for id in subject.network.layout.allIDs {
        let parameter = subject.network.layout[id]
        let slopes = gradient.floats(parameter.name)
        // Half along the gradient, where the slope stands out from rounding, half anywhere.
        let noise = Self.unit(random.floats(parameter.count).map(Double.init))
        let direction = Self.unit(zip(Self.unit(slopes), noise).map { $0 + $1 })
        let expected = zip(slopes, direction).map { $0 * $1 }.reduce(0, +)
        let found = subject.slope(id, along: direction)
        #expect(
          abs(found - expected) < 1e-4 + 2e-3 * abs(expected),
          "\(kernels.variant) \(parameter.name): \(found), expected \(expected)")
      }
    }
  }

  /// Layers that run again drop the same entries, so no bit of a gradient differs.
  @Test(arguments: ReferenceModel.folders)
  func recomputedLayers(_ folder: String) throws {
    let compute = Compute(threadCount: 2)
    let kept = try Subject(folder, compute).gradient()
    let recomputed = try Subject(folder, compute, keeping: .layerInputs).gradient()
    for parameter in try Subject(folder, compute).network.layout.parameters {
      #expect(recomputed.floats(parameter.name) == kept.floats(parameter.name), "\(parameter.name)")
    }
  }
}
