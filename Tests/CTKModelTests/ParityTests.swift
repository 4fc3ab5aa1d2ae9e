import CTKCore
import CTKModel
import CTKTensor
import CTKTestSupport
import Testing

/// Forward and backward passes against PyTorch in double precision.
///
/// The expected numbers are float64 results; tolerances allow the rounding of
/// an f32 computation of this depth (about ten times `float32_deviation`, which is
/// 2e-6 in every family).
@Suite(.tags(.numeric))
struct ParityTests {
  @Test(arguments: ReferenceModel.folders)
  func hiddenStatesAndLogits(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    try model.evaluate(model.batch(), lastLayerRows: .all) { pass in
      let last = pass.hiddenStates.count - 1
      var states = [("expected.hidden_states.0", pass.embedded)]
      for (number, state) in pass.hiddenStates.dropLast().enumerated() {
        let name = "expected.hidden_states.\(number + 1)"
        if model.parity.tensors.info(of: name) != nil { states.append((name, state)) }
      }
      states.append(("expected.last_hidden_state", pass.hiddenStates[last]))
      for (name, state) in states {
        let expected = try model.realRows(name, mask: "attention_mask")
        let closeness = Closeness.of(state.array(), expected, absolute: 1e-5, relative: 1e-5)
        #expect(closeness.isWithin, "\(name): \(closeness)")
      }
      for (name, found) in [
        ("expected.pooled", try #require(pass.pooled)), ("expected.logits", pass.logits),
      ] {
        let closeness = Closeness.of(
          found.array(), try model.parity.floats(name), absolute: 1e-5, relative: 1e-5)
        #expect(closeness.isWithin, "\(name): \(closeness)")
      }
    }
  }

  @Test(arguments: ReferenceModel.folders)
  func lossesAndEveryGradient(_ folder: String) throws {
    let model = try ReferenceModel(folder)
    let batch = try model.batch()
    let workspace = model.workspace(for: batch)
    let pass = model.network.forward(batch, dropout: nil, model.parameters, workspace)
    let targets = try model.targets()
    let losses = (0..<targets.count).map { row in
      Loss.gradient(
        ofRow: row, of: pass.logits, targets: targets, weight: 1 / Float(batch.sequenceCount))
    }
    let expectedLosses = model.parity.doubles("loss_per_example")
    #expect(Closeness.of(losses, expectedLosses, absolute: 2e-5, relative: 1e-5).isWithin)

    let sink = DenseGradient(model.network.layout)
    model.network.backward(
      pass, logitGradient: pass.logits, batch: batch, sink: sink, model.parameters, workspace)
    for parameter in model.network.layout.parameters {
      let closeness = Closeness.of(
        sink.floats(parameter.name), try model.expectedGradient(parameter), absolute: 2e-5,
        relative: 2e-5)
      #expect(closeness.isWithin, "\(parameter.name): \(closeness)")
    }
  }

  @Test(arguments: [
    "full_length", "no_token_types", "masked_hole", "single_token", "pad_ids_in_middle",
  ])
  func otherInputs(_ name: String) throws {
    for folder in ReferenceModel.folders {
      let model = try ReferenceModel(folder)
      let prefix = "extra.\(name)."
      guard model.parity.tensors.info(of: prefix + "logits") != nil else { continue }
      // Distances are counted in packed tokens, which a hole would not be one of.
      if folder == "xlnet" && name == "masked_hole" { continue }
      try model.evaluate(model.batch(prefix), lastLayerRows: .all) { pass in
        let logits = Closeness.of(
          pass.logits.array(), try model.parity.floats(prefix + "logits"), absolute: 1e-5,
          relative: 1e-5)
        #expect(logits.isWithin, "\(folder) \(name): \(logits)")
        let hiddenName = prefix + "last_hidden_state"
        guard model.parity.tensors.info(of: hiddenName) != nil else { return }
        let hidden = Closeness.of(
          pass.hiddenStates[pass.hiddenStates.count - 1].array(),
          try model.realRows(hiddenName, mask: prefix + "attention_mask"),
          absolute: 1e-5, relative: 1e-5)
        #expect(hidden.isWithin, "\(folder) \(name): \(hidden)")
      }
    }
  }

  /// Nothing below the lowest wanted parameter is visited, and what is wanted
  /// comes out as in a full pass.
  @Test func backwardStopsBelowTheLowestWantedPart() throws {
    let model = try ReferenceModel("bert")
    let batch = try model.batch()
    let workspace = model.workspace(for: batch)
    func gradients(_ wants: @escaping (ParameterID) -> Bool) throws -> DenseGradient {
      let pass = model.network.forward(batch, dropout: nil, model.parameters, workspace)
      _ = Loss.gradient(of: pass.logits, targets: try model.targets(), weight: 1)
      let sink = DenseGradient(model.network.layout, wants: wants)
      model.network.backward(
        pass, logitGradient: pass.logits, batch: batch, sink: sink, model.parameters, workspace)
      return sink
    }
    let layout = model.network.layout
    let full = try gradients { _ in true }
    let upper = try gradients { layout[$0].part >= .layer(1) }
    for parameter in layout.parameters {
      let expected =
        parameter.part >= .layer(1)
        ? full.floats(parameter.name) : Array(repeating: 0, count: parameter.count)
      #expect(upper.floats(parameter.name) == expected, "\(parameter.name)")
    }
  }

  /// The same bits on one thread and two, and from every kernel variant within rounding.
  @Test func threadsAndKernelVariantsAgree() throws {
    let model = try ReferenceModel("bert")
    let batch = try model.batch()
    func logits(_ compute: Compute) -> [Float] {
      model.evaluate(batch, compute: compute) { $0.logits.array() }
    }
    let reference = logits(Compute(threadCount: 1))
    #expect(logits(Compute(threadCount: 2)) == reference)
    for kernels in Kernels.all {
      let found = logits(Compute(threadCount: 1, kernels: kernels))
      let closeness = Closeness.of(found, reference, absolute: 1e-5, relative: 1e-5)
      #expect(closeness.isWithin, "\(kernels.variant): \(closeness)")
    }
  }
}
