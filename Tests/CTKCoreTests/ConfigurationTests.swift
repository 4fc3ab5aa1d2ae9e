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
  ]

  @Test(arguments: faults)
  func refuses(_ field: String, _ value: JSONValue, _ code: String) throws {
    var changed = try fields()
    changed[field] = value
    let error = #expect(throws: CoreError.self) { try ModelConfiguration(json: .object(changed)) }
    #expect(error?.code == code)
  }
}
