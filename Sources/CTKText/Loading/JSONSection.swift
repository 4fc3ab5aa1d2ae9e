import CTKCore

/// An object of a tokenizer file, with typed look-ups that name what is wrong.
struct JSONSection {
  /// Where the object lies, such as "model.vocab".
  let name: String
  let object: JSONObject

  init(_ value: JSONValue?, name: String) throws(TextError) {
    guard let object = value?.objectValue else {
      throw TextError(
        .tokenizerMalformed, "'\(name)' is \(value.typeName), expected an object")
    }
    self.name = name
    self.object = object
  }

  func section(_ key: String) throws(TextError) -> JSONSection {
    try JSONSection(object[key], name: path(key))
  }

  /// Nil where the key is absent or null.
  func optionalSection(_ key: String) throws(TextError) -> JSONSection? {
    isNull(key) ? nil : try section(key)
  }

  func string(_ key: String, default fallback: String? = nil) throws(TextError) -> String {
    try value(key, fallback, "a string", \.stringValue)
  }

  func bool(_ key: String, default fallback: Bool? = nil) throws(TextError) -> Bool {
    try value(key, fallback, "true or false", \.boolValue)
  }

  /// Nil where the key is absent or null.
  func optionalBool(_ key: String) throws(TextError) -> Bool? {
    isNull(key) ? nil : try bool(key)
  }

  func int(_ key: String, default fallback: Int? = nil) throws(TextError) -> Int {
    try value(key, fallback, "a whole number", \.intValue)
  }

  func array(_ key: String, default fallback: [JSONValue]? = nil) throws(TextError) -> [JSONValue] {
    try value(key, fallback, "a list", \.arrayValue)
  }

  func path(_ key: String) -> String { name.isEmpty ? key : "\(name).\(key)" }

  private func isNull(_ key: String) -> Bool { object[key] == nil || object[key] == .null }

  private func value<Value>(
    _ key: String, _ fallback: Value?, _ expected: String, _ read: (JSONValue) -> Value?
  ) throws(TextError) -> Value {
    if isNull(key), let fallback { return fallback }
    guard let value = object[key].flatMap(read) else {
      throw TextError(
        .tokenizerMalformed, "'\(path(key))' is \(object[key].typeName), expected \(expected)")
    }
    return value
  }
}

extension JSONValue? {
  /// What kind of value this is, for messages.
  fileprivate var typeName: String {
    switch self {
    case .none: "missing"
    case .null: "null"
    case .bool: "true or false"
    case .integer, .unsigned, .real: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}
