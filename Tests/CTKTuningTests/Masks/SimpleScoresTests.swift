import CTKCore
import CTKModel
import CTKSafetensors
import CTKTensor
import CTKTestSupport
import CTKTuning
import Testing

@Suite(.tags(.numeric))
struct SimpleScoresTests {
  private let model: ReferenceModel
  private let scored: [ParameterID]

  init() throws {
    model = try ReferenceModel("bert")
    scored = try ParameterScope("encoder").parameters(of: model.network.layout)
  }

  private var simple: SimpleScores { SimpleScores(layout: model.network.layout, scored: scored) }

  /// The parameters as a checkpoint in memory, with one tensor renamed or changed.
  private struct Tuned: TensorSource {
    let parameters: ParameterVector
    let shift: Float
    var missing: String?

    var tensors: [TensorInfo] { [] }

    func info(of name: String) -> TensorInfo? {
      guard name != missing, let id = parameters.layout.id(of: name) else { return nil }
      return try? TensorInfo(name: name, dtype: .f32, shape: parameters.layout[id].shape)
    }

    func withTensorBytes<Result>(
      _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
      let id = try #require(parameters.layout.id(of: name))
      let moved = parameters.array(id).enumerated().map { index, weight in
        index % 3 == 0 ? weight : weight + (index % 2 == 0 ? shift : -shift)
      }
      return try moved.withUnsafeBytes { try body($0) }
    }
  }

  @Test func changesAreAbsoluteDifferences() throws {
    let scores = try simple.changes(
      model.parameters, tuned: Tuned(parameters: model.parameters, shift: 0.25))
    var start = 0
    for id in scored {
      for index in 0..<model.network.layout[id].count {
        let expected: Float = index % 3 == 0 ? 0 : 0.25
        #expect(abs(scores.values.base[start + index] - expected) < 1e-6)
      }
      start += model.network.layout[id].count
    }
  }

  @Test func aTunedModelMustHaveTheWeights() throws {
    let name = model.network.layout[scored[3]].name
    let tuned = Tuned(parameters: model.parameters, shift: 1, missing: name)
    #expect { try simple.changes(model.parameters, tuned: tuned) } throws: {
      ($0 as? TuningError)?.code == "tensor.missing"
    }
  }

  @Test func magnitudesAreAbsoluteValues() {
    let scores = simple.magnitudes(model.parameters)
    let expected = scored.flatMap { model.parameters.array($0).map(abs) }
    #expect(scores.values.array() == expected)
  }
}
