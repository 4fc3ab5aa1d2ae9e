/// A JSON value with exact integers.
public enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  /// Whole numbers above `Int.max`.
  case unsigned(UInt64)
  case real(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// Members of a JSON object in the order they were read or added.
public struct JSONObject: Sendable, Equatable {
  public private(set) var keys: [String] = []
  private var values: [UTF8Key: JSONValue] = [:]

  public init() {}

  public init(_ members: KeyValuePairs<String, JSONValue>) {
    for (key, value) in members { self[key] = value }
  }

  public var count: Int { keys.count }

  public subscript(key: String) -> JSONValue? {
    get { values[UTF8Key(key)] }
    set {
      if let newValue {
        if values.updateValue(newValue, forKey: UTF8Key(key)) == nil { keys.append(key) }
      } else if values.removeValue(forKey: UTF8Key(key)) != nil {
        keys.removeAll { UTF8Key($0) == UTF8Key(key) }
      }
    }
  }

  /// Members in order.
  public var members: [(key: String, value: JSONValue)] {
    keys.compactMap { key in values[UTF8Key(key)].map { (key, $0) } }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(floatLiteral value: Double) { self = .real(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

// MARK: Reading

extension JSONValue {
  public var stringValue: String? {
    if case .string(let text) = self { text } else { nil }
  }

  public var intValue: Int? {
    if case .integer(let number) = self { number } else { nil }
  }

  /// Any number as a double.
  public var doubleValue: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .unsigned(let number): Double(number)
    case .real(let number): number
    default: nil
    }
  }

  public var boolValue: Bool? {
    if case .bool(let flag) = self { flag } else { nil }
  }

  public var arrayValue: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  public var objectValue: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }

  public subscript(key: String) -> JSONValue? { objectValue?[key] }
}
