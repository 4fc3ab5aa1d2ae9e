import CTKCore
import CTKTestSupport
import CTKText
import Testing

/// One recorded line of what the fast tokenizer gives.
struct TokenizationCase: Sendable, CustomTestStringConvertible {
  let file: String
  let line: Int
  let text: String
  let pair: String?
  let maxLength: Int?
  let expected: Encoding

  var testDescription: String { "\(file):\(line)" }

  /// Reads a JSON Lines fixture.
  static func all(_ file: String) throws -> [TokenizationCase] {
    let bytes = try readSmallFile(Fixtures.path(file))
    return try bytes.split(separator: 0x0A).enumerated().map { number, line in
      let json = try JSONParser.parse(Array(line))
      return TokenizationCase(
        file: file, line: number + 1, text: try #require(json["text"]?.stringValue),
        pair: json["pair"]?.stringValue, maxLength: json["max_length"]?.intValue,
        expected: Encoding(
          inputIDs: try ids(json["ids"]), tokenTypeIDs: try ids(json["type_ids"])))
    }
  }

  private static func ids(_ value: JSONValue?) throws -> [Int32] {
    try #require(value?.arrayValue).map { Int32(try #require($0.intValue)) }
  }
}
