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
  /// Members in order.
  public private(set) var members: [(key: String, value: JSONValue)] = []
  private var places: [UTF8Key: Int] = [:]

  public init() {}

  public init(_ members: KeyValuePairs<String, JSONValue>) {
    for (key, value) in members { self[key] = value }
  }

  public var count: Int { members.count }

  public var keys: [String] { members.map(\.key) }

  public subscript(key: String) -> JSONValue? {
    get { places[UTF8Key(key)].map { members[$0].value } }
    set {
      switch (places[UTF8Key(key)], newValue) {
      case (let place?, let value?):
        members[place].value = value
      case (nil, let value?):
        places[UTF8Key(key)] = members.count
        members.append((key, value))
      case (let place?, nil):
        members.remove(at: place)
        places = Dictionary(
          uniqueKeysWithValues: members.enumerated().map { (UTF8Key($1.key), $0) })
      case (nil, nil): break
      }
    }
  }

  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    left.members.elementsEqual(right.members) {
      UTF8Key($0.key) == UTF8Key($1.key) && $0.value == $1.value
    }
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
