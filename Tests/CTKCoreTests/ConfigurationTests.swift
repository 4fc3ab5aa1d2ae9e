import CTKCore
import CTKTestSupport
import Testing

@Suite(.tags(.format))
struct ConfigurationTests {
  private func fields() throws -> JSONObject {
    let json = try JSONParser.parseFile(Fixtures.path("checkpoints/bert/pt/config.json"))
    return json.objectValue ?? JSONObject()
  }

  @Test func readsAHuggingFaceFile() throws {
    let configuration = try ModelConfiguration(json: .object(fields()))
    #expect(configuration.architecture == .bert)
    #expect(configuration.hiddenSize == 36 && configuration.headSize == 9)
    #expect(configuration.labels == ["contradiction", "entailment", "neutral"])
  }

  private static let faults: [(field: String, value: JSONValue, code: String)] = [
    ("model_type", .null, "config.invalid"), ("model_type", "gpt9", "config.unsupported"),
    ("hidden_act", "mystery", "config.unsupported"), ("hidden_size", 0, "config.invalid"),
    ("hidden_size", 35, "config.invalid"), ("vocab_size", "many", "config.invalid"),
    ("layer_norm_eps", 0.0, "config.invalid"), ("hidden_dropout_prob", 1.0, "config.invalid"),
    ("position_embedding_type", "relative_key", "config.unsupported"),
    ("id2label", ["0": "a", "2": "b"], "config.invalid"),
    // What is computed with is a float: these doubles become 0 and 1.
    ("layer_norm_eps", 1e-60, "config.invalid"),
    ("layer_norm_eps", 0.999999999999, "config.invalid"),
    ("hidden_dropout_prob", 0.999999999999, "config.invalid"),
    ("classifier_dropout", 0.999999999999, "config.invalid"),
    ("initializer_range", 1e60, "config.invalid"), ("initializer_range", -1, "config.invalid"),
    ("num_hidden_layers", .integer(1 << 28), "config.invalid"),
  ]

  /// Names are made for every label, so their number is bounded.
  @Test func manyLabelsAreRefused() throws {
    var changed = try fields()
    changed["id2label"] = nil
    changed["num_labels"] = .integer(1 << 28)
    let error = #expect(throws: CoreError.self) { try ModelConfiguration(json: .object(changed)) }
    #expect(error?.code == "config.invalid")
    changed["num_labels"] = 5
    #expect(try ModelConfiguration(json: .object(changed)).labels.count == 5)
  }

  @Test(arguments: faults)
  func refuses(_ field: String, _ value: JSONValue, _ code: String) throws {
    var changed = try fields()
    changed[field] = value
    let error = #expect(throws: CoreError.self) { try ModelConfiguration(json: .object(changed)) }
    #expect(error?.code == code)
  }
}
