import CTKCore
import CTKModel
import CTKSafetensors
import CTKTensor
import CTKTestSupport
import Foundation
import Testing

/// Token heads of every family against PyTorch in double precision.
@Suite(.tags(.numeric))
struct TokenHeadTests {
  private static let labels = 3

  /// An encoder's weights without any head.
  private struct Encoder: TensorSource {
    let file: SafetensorsFile
    var tensors: [TensorInfo] { file.tensors }

    func info(of name: String) -> TensorInfo? {
      name.hasPrefix("classifier.") ? nil : file.info(of: name)
    }

    func withTensorBytes<Result>(
      _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result { try file.withTensorBytes(name, body) }
  }

  private struct Setting {
    let reference: ReferenceModel
    let network: SequenceClassifier
    let parameters: ParameterVector
    let expected: JSONValue
    let targets: Targets
    let batch: PackedBatch

    init(_ family: String) throws {
      let document = try JSONParser.parseFile(Fixtures.path("tokens/expected.json"))
      expected = try #require(document["heads"]?[family])
      reference = try ReferenceModel(family)
      network = try SequenceClassifier(
        configuration: reference.network.configuration, labelCount: TokenHeadTests.labels,
        head: .tokens)
      parameters = ParameterVector(layout: network.layout)
      let path = Fixtures.path("checkpoints/\(family)/pt/model.safetensors")
      let missing = try parameters.load(from: Encoder(file: SafetensorsFile(path: path)))
      var index = 0
      for id in missing {
        for place in 0..<network.layout[id].count {
          parameters.mutablePointer(id)[place] = Float(0.2 * sin(1 + Double(index)))
          index += 1
        }
      }
      let batch = try reference.batch()
      self.batch = batch
      targets = .classes(
        (0..<batch.tokenCount).map { $0 % 3 == 0 ? Targets.unlabelled : $0 % 3 })
      let names = missing.map { network.layout[$0].name }
      #expect(names == ["classifier.weight", "classifier.bias"])
    }

    var workspace: Workspace {
      network.workspace(BatchLimits(covering: [batch]), compute: Compute(threadCount: 2))
    }
  }

  private static let families = ["bert", "roberta", "electra", "distilbert", "xlnet"]

  @Test(arguments: families)
  func logitsOfEveryToken(_ family: String) throws {
    let setting = try Setting(family)
    let workspace = setting.workspace
    let pass = setting.network.forward(
      setting.batch, dropout: nil, setting.parameters, workspace)
    let logits = pass.logits.array()
    #expect(logits.count == setting.batch.tokenCount * Self.labels)
    let first = setting.expected["logits"]?.arrayValue?.compactMap(\.doubleValue) ?? []
    let closeness = Closeness.of(
      Array(logits.prefix(first.count)), first, absolute: 2e-5, relative: 2e-5)
    #expect(closeness.isWithin, "\(closeness)")
    let squares = logits.reduce(0.0) { $0 + Double($1) * Double($1) }
    let expected = try #require(setting.expected["logit_squares"]?.doubleValue)
    #expect(abs(squares - expected) < 2e-5 * expected)
    withExtendedLifetime(workspace) {}
    let second = setting.workspace
    let evaluation = setting.network.evaluate(setting.batch, setting.parameters, second)
    #expect(evaluation.logits.array() == logits)
    withExtendedLifetime(second) {}
  }

  /// Rows without a label have no loss and no gradient.
  @Test(arguments: families)
  func lossAndGradients(_ family: String) throws {
    let setting = try Setting(family)
    let workspace = setting.workspace
    let pass = setting.network.forward(
      setting.batch, dropout: nil, setting.parameters, workspace)
    let count = setting.targets.labelledCount
    let sum = Loss.gradient(
      of: pass.logits, targets: setting.targets, weight: 1 / Float(count))
    let loss = sum / Double(count)
    #expect(abs(loss - (try #require(setting.expected["loss"]?.doubleValue))) < 1e-5)
    let sink = DenseGradient(setting.network.layout)
    setting.network.backward(
      pass, logitGradient: pass.logits, batch: setting.batch, sink: sink, setting.parameters,
      workspace)
    let expected = try #require(setting.expected["gradient_squares"]?.objectValue)
    #expect(expected.count == 4)
    for (name, value) in expected.members {
      let id = try #require(setting.network.layout.id(of: name))
      let squares = (sink.values[id] ?? []).reduce(0.0) { $0 + $1 * $1 }
      let target = try #require(value.doubleValue)
      #expect(abs(squares - target) < 1e-4 * target, "\(name): \(squares) for \(target)")
    }
    withExtendedLifetime(workspace) {}
  }
}
