import CTKCore
import CTKTestSupport
import Testing

@Suite(.tags(.format, .hostile))
struct JSONTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONParser.parse(Array(text.utf8)) }

  @Test func readsEveryKindOfValue() throws {
    let value = try parse(
      #" {"a": [1, -2.5e1, 18446744073709551615, true, null, "é\n😀"], "b": {}} "#)
    #expect(
      value["a"] == [
        1, -25.0, .unsigned(.max), true, .null, .string("\u{E9}\n\u{1F600}"),
      ])
    #expect(value["b"] == .object(JSONObject()))
  }

  @Test(arguments: [
    ("", "json.invalid"), ("{", "json.invalid"), ("[1,]", "json.invalid"),
    ("{\"a\":1,}", "json.invalid"), ("01", "json.invalid"), ("1 2", "json.invalid"),
    ("nul", "json.invalid"), ("\"\u{1}\"", "json.invalid"), ("\"\\ud800\"", "json.invalid"),
    ("\"\\x\"", "json.invalid"), ("NaN", "json.invalid"), ("1e999", "json.invalid"),
    ("\u{FEFF}1", "json.invalid"), ("{\"a\":1,\"a\":2}", "json.duplicate-key"),
    (nested(65, "[", "]"), "json.too-deep"), (nested(65, "{\"a\":", "}"), "json.too-deep"),
  ])
  func refuses(_ text: String, _ code: String) throws {
    let error = #expect(throws: CoreError.self) { try parse(text) }
    #expect(error?.code == code)
  }

  private static func nested(_ depth: Int, _ open: String, _ close: String) -> String {
    String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
  }

  @Test func sixtyFourContainersMayNest() throws {
    #expect(JSONParser.depthLimit == 64)
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      var value = try parse(Self.nested(64, open, close))
      for _ in 0..<64 { value = try #require(value.arrayValue?.first ?? value["a"]) }
      #expect(value == 1)
    }
  }

  @Test func refusesBytesThatAreNotUTF8() throws {
    let error = #expect(throws: CoreError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    #expect(error?.code == "json.not-utf8")
  }

  @Test func canonicallyEqualKeysAreDifferentKeys() throws {
    let value = try parse("{\"\u{E9}\": 1, \"e\u{301}\": 2}")
    #expect(value.objectValue?.count == 2)
  }

  @Test func writesSortedAndReadsBack() throws {
    let value: JSONValue = [
      "b": 1, "a": [0.1, "quote \" \\ \u{7}"], "\u{E9}": .null, "z": ["nested": true],
    ]
    #expect(
      value.compactText == #"{"a":[0.1,"quote \" \\ \u0007"],"b":1,"z":{"nested":true},"é":null}"#)
    for text in [value.compactText, value.prettyText] {
      #expect(try parse(text).compactText == value.compactText)
    }
  }

  /// Any bytes give a value or an error, and what parses writes back to itself.
  @Test func randomBytesNeverTrap() throws {
    var random = SeededGenerator(seed: 2024)
    let alphabet = Array("{}[]\",:0123456789eE+-.truefalsn\\u \u{E9}".utf8)
    var accepted = 0
    for _ in 0..<20_000 {
      let count = Int(random.next() % 12)
      let bytes = (0..<count).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
      guard let value = try? JSONParser.parse(bytes) else { continue }
      accepted += 1
      #expect(try parse(value.compactText) == value)
    }
    #expect(accepted > 100)
  }
}
