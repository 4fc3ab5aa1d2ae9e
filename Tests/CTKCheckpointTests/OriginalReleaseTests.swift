import CTKCheckpoint
import CTKCore
import CTKSafetensors
import CTKTestSupport
import Testing

@Suite("Checkpoints of the original releases", .tags(.format))
struct OriginalReleaseTests {
  private let folder = TemporaryFolder()

  @Test("BERT as TensorFlow itself saved it, with an optimizer's slots")
  func bert() throws {
    let source = Fixtures.path("tensorflow/bert_model.ckpt")
    let options = ImportOptions(configurationPath: checkpoint("bert/pt/config.json"))
    let found = try runImport(source, into: folder, as: "tf", options)
    let expected = try runImport(checkpoint("bert/pt"), into: folder, as: "pt")
    #expect(found.fingerprint == expected.fingerprint)
    #expect(found.plan.layout == .original && found.plan.missing.isEmpty)
    #expect(found.plan.aliases.isEmpty)
    let slots = found.plan.skipped.filter { $0.reason.contains("optimizer") }
    #expect(slots.count == found.plan.skipped.count && slots.count == 23)
    #expect(slots.contains { $0.name == "global_step" })
    #expect(found.summary.contains("23 state of an optimizer or of the training"))
    #expect(
      found.json["skipped_by_reason"] == ["state of an optimizer or of the training": 23])
  }

  @Test("bert_config.json beside the weights is enough")
  func originalConfiguration() throws {
    try Folder.create(folder.file("bert"))
    for suffix in [".index", ".data-00000-of-00001"] {
      try folder.write(
        "bert/bert_model.ckpt" + suffix,
        contents(Fixtures.path("tensorflow/bert_model.ckpt" + suffix)))
    }
    try folder.write(
      "bert/bert_config.json",
      Array(
        """
        {"attention_probs_dropout_prob": 0.1, "directionality": "bidi", "hidden_act": "gelu",
         "hidden_dropout_prob": 0.1, "hidden_size": 36, "initializer_range": 0.02,
         "intermediate_size": 68, "max_position_embeddings": 64, "num_attention_heads": 4,
         "num_hidden_layers": 2, "type_vocab_size": 2, "vocab_size": 261}
        """.utf8))
    let found = try runImport(folder.file("bert"), into: folder)
    let expected = try runImport(checkpoint("bert/pt"), into: folder, as: "pt")
    #expect(found.fingerprint == expected.fingerprint)
    let configuration = try JSONParser.parseFile(folder.file("out/config.json"))
    #expect(configuration["model_type"] == "bert")
    #expect(configuration["layer_norm_eps"]?.doubleValue == 1e-12)
    #expect(found.findings.contains { $0.contains("tanh form") })
  }

  @Test("ELECTRA's discriminator, beside the generator")
  func electraDiscriminator() throws {
    let path = try electra().write(into: folder)
    let found = try runImport(path, into: folder, electraOptions("ElectraForPreTraining"))
    let expected = try encoderDigests(of: "electra", prefix: "electra.")
    let imported = try SafetensorsCheckpoint(path: folder.file("out"))
    let digests = try Fingerprint.digests(of: imported)
    #expect(digests.filter { $0.name.hasPrefix("electra.") }.map(\.digest) == expected)
    #expect(
      digests.map(\.name).filter { !$0.hasPrefix("electra.") } == [
        "discriminator_predictions.dense.bias", "discriminator_predictions.dense.weight",
        "discriminator_predictions.dense_prediction.bias",
        "discriminator_predictions.dense_prediction.weight",
      ])
    #expect(found.plan.missing.isEmpty)
    let others = found.plan.skipped.filter { $0.reason.hasPrefix("part of the generator") }
    #expect(others.count == 39)
  }

  @Test("ELECTRA's generator, with the embeddings that both share")
  func electraGenerator() throws {
    let path = try electra().write(into: folder)
    let found = try runImport(path, into: folder, electraOptions("ElectraForMaskedLM"))
    let pt = try SafetensorsFile(path: checkpoint("electra/pt/model.safetensors"))
    let imported = try SafetensorsCheckpoint(path: folder.file("out"))
    for info in pt.tensors where info.name.hasPrefix("electra.") {
      let bytes = try imported.bytes(of: info.name)
      let original = try pt.bytes(of: info.name)
      let isShared = info.name.hasPrefix("electra.embeddings.")
      #expect((bytes == original) == isShared, "\(info.name)")
      #expect(bytes.map { isShared ? $0 : $0 ^ 1 } == original, "\(info.name)")
    }
    #expect(found.plan.missing.isEmpty)
    #expect(imported.info(of: "generator_lm_head.bias")?.shape == [241])
    #expect(found.plan.skipped.contains { $0.reason.hasPrefix("part of the discriminator") })
  }

  @Test("XLNet, whose biases are stacked over the layers", arguments: ["", "model/"])
  func xlnet(_ scope: String) throws {
    var original = try OriginalCheckpoint(of: "xlnet") { Self.xlnetName($0, scope) }
    for variable in ["r_w_bias", "r_r_bias", "r_s_bias", "seg_embed"] {
      try original.stack("\(scope)transformer/\(variable)")
    }
    original.addOptimizer(slots: ["Adam", "Adam_1"])
    let path = try original.write(into: folder)
    try folder.write(
      "xlnet_config.json",
      Array(
        """
        {"d_head": 9, "d_inner": 70, "d_model": 36, "ff_activation": "gelu", "n_head": 4,
         "n_layer": 2, "n_token": 254, "untie_r": true}
        """.utf8))
    let found = try runImport(path, into: folder, as: "tf")
    let expected = try runImport(checkpoint("xlnet/pt"), into: folder, as: "pt")
    #expect(found.fingerprint == expected.fingerprint)
    #expect(found.plan.architecture == .xlnet && found.plan.missing.isEmpty)
    #expect(found.plan.used.contains { $0.source.name == "\(scope)transformer/seg_embed/1" })
    #expect(found.plan.skipped.allSatisfy { $0.reason.contains("optimizer") })
    // Two slots for each variable, beta1_power and global_step.
    #expect(found.plan.skipped.count == (original.variables.count - 2) * 2 / 3 + 2)
  }

  @Test(
    "Models that only resemble are refused by name",
    arguments: [
      ("bert/encoder/transformer/group_0/inner_group_0/ffn_1/intermediate/dense/kernel", "ALBERT"),
      ("model/h0/attn/c_attn/w", "GPT-2"),
      ("encoder/block_000/layer_000/SelfAttention/q", "T5"),
      ("m/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE", "objects of a Keras program"),
    ])
  func otherModels(_ name: String, _ named: String) throws {
    var original = try OriginalCheckpoint(of: "bert") { _ in nil }
    original.variables = [name: ([1], [0, 0, 0, 0])]
    let path = try original.write(into: folder)
    let options = ImportOptions(configurationPath: checkpoint("bert/pt/config.json"))
    let error = #expect(throws: CheckpointError.self) {
      try runImport(path, into: folder, options)
    }
    #expect(error?.code == "import.architecture-unsupported")
    #expect(error?.message.contains(named) == true && error?.path == path)
    #expect(!folder.names.contains("out"))
  }

  @Test("A stacked variable of absurd extent is left as it is")
  func absurdStack() throws {
    var original = try OriginalCheckpoint(of: "xlnet") { Self.xlnetName($0, "") }
    original.variables["transformer/r_w_bias"] = ([1 << 40, 0, 9], [])
    let path = try original.write(into: folder)
    let options = ImportOptions(configurationPath: checkpoint("xlnet/pt/config.json"))
    let report = try runImport(path, into: folder, options)
    #expect(report.plan.skipped.map(\.name) == ["transformer/r_w_bias"])
  }

  // MARK: Sources

  /// A generator that differs from the discriminator in the last bit of every byte.
  private func electra() throws -> OriginalCheckpoint {
    var original = try OriginalCheckpoint(of: "electra") { name in
      name.hasPrefix("electra.") ? Self.bertLikeName(name) : nil
    }
    for (name, variable) in original.variables where !name.contains("/embeddings/") {
      original.variables[name.replacing("electra/", with: "generator/")] = (
        variable.shape, variable.bytes.map { $0 ^ 1 }
      )
    }
    let heads: [String: [Int]] = [
      "discriminator_predictions/dense/kernel": [40, 40],
      "discriminator_predictions/dense/bias": [40],
      "discriminator_predictions/dense_1/kernel": [40, 1],
      "discriminator_predictions/dense_1/bias": [1],
      "generator_predictions/dense/kernel": [40, 20], "generator_predictions/dense/bias": [20],
      "generator_predictions/LayerNorm/gamma": [20],
      "generator_predictions/LayerNorm/beta": [20], "generator_predictions/output_bias": [241],
    ]
    for (name, shape) in heads {
      original.variables[name] = (shape, [UInt8](repeating: 1, count: 4 * shape.reduce(1, *)))
    }
    return original
  }

  private func electraOptions(_ className: String) throws -> ImportOptions {
    var fields =
      try JSONParser.parseFile(checkpoint("electra/pt/config.json")).objectValue ?? JSONObject()
    fields["architectures"] = [.string(className)]
    try folder.write("config.json", Array(JSONValue.object(fields).prettyText.utf8))
    return ImportOptions(configurationPath: folder.file("config.json"))
  }

  private func encoderDigests(of model: String, prefix: String) throws -> [Digest] {
    let pt = try SafetensorsFile(path: checkpoint("\(model)/pt/model.safetensors"))
    return try Fingerprint.digests(of: pt).filter { $0.name.hasPrefix(prefix) }.map(\.digest)
  }

  private static func bertLikeName(_ name: String) -> (name: String, isTransposed: Bool) {
    var path = name.replacing(".", with: "/").replacing("encoder/layer/", with: "encoder/layer_")
    if path.hasSuffix("_embeddings/weight") {
      return (String(path.dropLast("/weight".count)), false)
    }
    if path.contains("LayerNorm") {
      path = path.replacing("/weight", with: "/gamma").replacing("/bias", with: "/beta")
      return (path, false)
    }
    return (path.replacing("/weight", with: "/kernel"), path.hasSuffix("/weight"))
  }

  private static func xlnetName(
    _ name: String, _ scope: String
  ) -> (name: String, isTransposed: Bool) {
    var parts = name.split(separator: ".").map(String.init)
    if let layer = parts.firstIndex(of: "layer") {
      let number = parts.remove(at: layer + 1)
      if let last = parts.last, ["r_w_bias", "r_r_bias", "r_s_bias", "seg_embed"].contains(last) {
        return ("\(scope)transformer/\(last)/\(number)", false)
      }
      parts[layer] = "layer_" + number
    }
    let path = parts.joined(separator: "/")
      .replacing("sequence_summary", with: "sequnece_summary")
      .replacing("logits_proj", with: "classification_sst-2/logit")
      .replacing("word_embedding/weight", with: "word_embedding/lookup_table")
      .replacing("transformer/mask_emb", with: "transformer/mask_emb/mask_emb")
    if path.contains("layer_norm") {
      return (
        scope
          + path.replacing("layer_norm/weight", with: "LayerNorm/gamma")
          .replacing("layer_norm/bias", with: "LayerNorm/beta"), false
      )
    }
    if path.contains("/rel_attn/") { return (scope + path + "/kernel", false) }
    return (scope + path.replacing("/weight", with: "/kernel"), path.hasSuffix("/weight"))
  }
}
