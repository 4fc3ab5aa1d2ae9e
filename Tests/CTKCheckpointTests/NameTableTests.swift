import CTKCheckpoint
import CTKCore
import CTKTestSupport
import Testing

@Suite("Name tables", .tags(.format))
struct NameTableTests {
  private static let schema = ArchitectureSchema.bert

  @Test(
    "Every source name is taken by one rule",
    arguments: Architecture.allCases, SourceLayout.allCases)
  func everyNameIsConsumedOnce(_ architecture: Architecture, _ layout: SourceLayout) throws {
    // Names of objects are translated into those of variables.
    if layout == .tensorflowObjects { return }
    let table = ArchitectureSchema.of(architecture).nameTable(for: layout)
    for rule in table.rules {
      let separator: Character = layout == .pytorch ? "." : "/"
      let name = rule.source.name(layer: 11)
      let parts = name.split(separator: separator)
      let matching = table.rules.filter { $0.source.match(parts) != nil }
      #expect(matching.count == 1, "\(name) is taken by \(matching.count) rules")
      let target = Self.target(table.match(name))
      #expect(target?.name == rule.target.name.name(layer: 11))
      #expect(target?.operation == rule.operation)
    }
  }

  @Test(
    "Every canonical tensor has a source name",
    arguments: Architecture.allCases, [SourceLayout.pytorch, .tensorflow])
  func everyTargetIsReached(_ architecture: Architecture, _ layout: SourceLayout) {
    let schema = ArchitectureSchema.of(architecture)
    let networks = layout == .original ? [[], ["ElectraForMaskedLM"]] : [[]]
    let reached = Set(
      networks.flatMap { classNames in
        schema.nameTable(for: layout, classNames: classNames).rules.map(\.target.name)
      })
    if layout == .original && reached.isEmpty {
      #expect([.roberta, .distilbert].contains(architecture), "it has no original release")
      return
    }
    // TensorFlow stores tied weights once, and has no class that searches answers by beams.
    let absent = layout == .pytorch ? [] : Set(schema.tied.map(\.alias))
    for tensor in schema.tensors where !absent.contains(tensor.name.text) {
      if layout == .tensorflow && tensor.part == .beamQuestionAnswering { continue }
      if layout == .original && Self.laterParts(of: architecture).contains(tensor.part) { continue }
      #expect(reached.contains(tensor.name), "\(tensor.name.text)")
    }
  }

  /// Heads that transformers added to the original programs' own.
  private static func laterParts(of architecture: Architecture) -> Set<ModelPart> {
    switch architecture {
    case .electra: [.classifier, .tokenClassifier, .questionAnswering]
    case .xlnet: [.tokenClassifier, .questionAnswering]
    default: []
    }
  }

  @Test("Every TensorFlow line names a canonical tensor", arguments: Architecture.allCases)
  func tensorFlowLinesHaveTargets(_ architecture: Architecture) {
    let schema = ArchitectureSchema.of(architecture)
    let targets = Set(schema.tensors.map(\.name.text))
    for line in schema.tensorFlow.names { #expect(targets.contains(line.target)) }
  }

  @Test(
    "State-dict names",
    arguments: [
      ("bert.encoder.layer.7.output.dense.weight", "bert.encoder.layer.7.output.dense.weight"),
      ("encoder.layer.0.output.dense.bias", "bert.encoder.layer.0.output.dense.bias"),
      ("module.bert.pooler.dense.bias", "bert.pooler.dense.bias"),
      ("module.model.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight"),
      ("bert/encoder/layer/3/output/LayerNorm/beta", "bert.encoder.layer.3.output.LayerNorm.bias"),
      ("classifier.weight", "classifier.weight"),
      ("cls.predictions.decoder.bias", "cls.predictions.decoder.bias"),
    ])
  func stateDictNames(_ source: String, _ target: String) {
    #expect(Self.target(Self.schema.nameTable(for: .pytorch).match(source))?.name == target)
  }

  @Test(
    "Variable names",
    arguments: [
      "bert/embeddings/LayerNorm/beta:0",
      "bert/bert/embeddings/LayerNorm/beta:0",
      "bert/tf_bert_model_3/bert/embeddings/LayerNorm/beta:0",
      "tf_bert_model/bert/embeddings/LayerNorm/beta",
    ])
  func variableNames(_ source: String) {
    let match = Self.schema.nameTable(for: .tensorflow).match(source)
    #expect(Self.target(match)?.name == "bert.embeddings.LayerNorm.bias")
  }

  @Test(
    "Names that only resemble a rule are left alone",
    arguments: [
      "bert.scale_gamma.weight", "xbert.pooler.dense.weight", "bert.pooler.dense.weight2",
      "bert.encoder.layer.00.output.dense.weight", "bert.encoder.layer.-1.output.dense.weight",
      "bert.encoder.layer.1000000.output.dense.weight", "bert..pooler.dense.weight", "",
      "bert.encoder.layer..output.dense.weight", "bert.encoder.layer.1.output.dense.gamma",
      "bert.module.pooler.dense.weight", "bert.bert.pooler.dense.weight", ".", "/",
    ])
  func resemblingNames(_ name: String) {
    #expect(Self.target(Self.schema.nameTable(for: .pytorch).match(name)) == nil)
  }

  @Test(
    "Variables of an optimizer or below other scopes are left alone",
    arguments: [
      "a/b/c/bert/pooler/dense/kernel:0", "optimizer_weights/bert/pooler/dense/kernel:0",
      "bert/pooler/dense/kernel/adam_m", "bert/encoder/layer_._x/output/dense/kernel:0",
      "bert/encoder/layer_0/output/dense/kernel:0",
    ])
  func strangeVariables(_ name: String) {
    #expect(Self.target(Self.schema.nameTable(for: .tensorflow).match(name)) == nil)
  }

  @Test("Every KerasHub line names a canonical tensor", arguments: Architecture.allCases)
  func kerasLinesHaveTargets(_ architecture: Architecture) {
    let schema = ArchitectureSchema.of(architecture)
    let targets = Set(schema.tensors.map(\.name.text))
    for line in schema.keras.backbone + schema.keras.heads {
      #expect(targets.contains(line.target), "\(line.target)")
    }
  }

  @Test(
    "Paths of Keras 3",
    arguments: [
      ("layers/dense/vars/0", "bert.pooler.dense.weight"),
      ("task/layers/dense/vars/1", "classifier.bias"),
      (
        "layers/transformer_encoder/_self_attention_layer/query_dense/vars/0",
        "bert.encoder.layer.0.attention.self.query.weight"
      ),
      (
        "layers/transformer_encoder_12/_self_attention_layer/_query_dense/vars/1",
        "bert.encoder.layer.12.attention.self.query.bias"
      ),
      (
        "layers/bert_backbone/layers/reversible_embedding/vars/0",
        "bert.embeddings.word_embeddings.weight"
      ),
      (
        "_layer_checkpoint_dependencies/position_embedding/vars/0",
        "bert.embeddings.position_embeddings.weight"
      ),
    ])
  func kerasPaths(_ source: String, _ target: String) {
    #expect(Self.target(Self.schema.nameTable(for: .keras).match(source))?.name == target)
  }

  @Test(
    "Paths that only resemble those of Keras 3",
    arguments: [
      "layers/transformer_encoder_0/_feedforward_layer_norm/vars/0",
      "layers/transformer_encoder_01/_feedforward_layer_norm/vars/0",
      "layers/transformer_encoderx/_feedforward_layer_norm/vars/0",
      "optimizer/vars/1", "layers/dense/vars/2", "layers/dense_1/vars/0",
    ])
  func strangeKerasPaths(_ source: String) {
    #expect(Self.target(Self.schema.nameTable(for: .keras).match(source)) == nil)
  }

  @Test("Beside a backbone of its own name the plain layers are the head's")
  func kerasScopes() {
    let names = ["layers/bert_backbone/layers/dense/vars/0", "layers/dense/vars/0"]
    let table = Self.schema.nameTable(for: .keras, sourceNames: names)
    #expect(Self.target(table.match(names[0]))?.name == "bert.pooler.dense.weight")
    #expect(Self.target(table.match(names[1]))?.name == "classifier.weight")
  }

  @Test("Names of TensorFlow's classes in files of Keras 3", arguments: Architecture.allCases)
  func objectNames(_ architecture: Architecture) throws {
    let listing = try JSONParser.parseFile(Fixtures.path("keras/tensorflow-objects.json"))
    let names = try #require(listing[architecture.rawValue]?.objectValue)
    let table = ArchitectureSchema.of(architecture).nameTable(for: .tensorflowObjects)
    for (name, canonical) in names.members {
      #expect(SourceLayout.detect(Array(names.keys)) == .tensorflowObjects)
      #expect(Self.target(table.match(name))?.name == canonical.stringValue, "\(name)")
    }
    #expect(names.members.count > 20)
    #expect(Self.target(table.match("optimizer/vars/0")) == nil)
    #expect(Self.target(table.match("layers/dense/vars/2")) == nil)
  }

  @Test("The layout is told by the names")
  func layouts() {
    #expect(SourceLayout.detect(["layers/dense/vars/0"]) == .keras)
    #expect(
      SourceLayout.detect(["layers/dense/vars/0", "a/tf_bert_layer/b/vars/0"])
        == .tensorflowObjects)
    #expect(
      SourceLayout.detect(["transformer_layer_0/key/bias", "logits/kernel"]) == .kerasLegacy)
    #expect(SourceLayout.detect(["bert/pooler/dense/kernel"]) == .tensorflow)
    #expect(SourceLayout.detect(["classifier/bias:0"]) == .tensorflow)
    #expect(SourceLayout.detect(["bert/pooler/dense/weight", "kernel"]) == .pytorch)
    #expect(SourceLayout.detect(["bert/encoder/layer_11/output/dense/bias"]) == .original)
    #expect(SourceLayout.detect(["model/transformer/layer_0/ff/layer_1/kernel"]) == .original)
    #expect(
      SourceLayout.detect(["transformer/layer_._0/ff/layer_1/kernel", "x/layer_1/kernel"])
        == .tensorflow)
    #expect(SourceLayout.detect(["a:b", "a:"]) == .pytorch)
    #expect(SourceLayout.detect([String]()) == .pytorch)
  }

  private static func target(
    _ match: NameMatch
  ) -> (name: String, operation: TensorOperation)? {
    guard case .target(let pattern, let layer, let operation, _) = match else { return nil }
    return (pattern.name.name(layer: layer), operation)
  }
}
