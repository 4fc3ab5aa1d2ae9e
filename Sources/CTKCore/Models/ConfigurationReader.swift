/// Access to the fields of a `config.json`, with errors that name the field.
///
/// A field may have several names; the first is the one to report.
struct ConfigurationReader {
  let fields: JSONObject

  /// Largest extent accepted, far above any published model.
  private static let extentLimit = 1 << 28
  /// Most layers and labels accepted; each gets names in memory before weights are looked at.
  private static let layerLimit = 1 << 12
  private static let labelLimit = 1 << 16

  func value(_ names: [String]) -> JSONValue? {
    names.lazy.compactMap { fields[$0] }.first { $0 != .null }
  }

  func architecture() throws(CoreError) -> Architecture {
    guard let name = fields["model_type"]?.stringValue else {
      throw CoreError(.configInvalid, "model_type is missing")
    }
    guard let known = Architecture(modelType: name) else {
      throw CoreError(.configUnsupported, "model_type '\(name)' is not supported")
    }
    return known
  }

  func positive(_ names: String..., default fallback: Int? = nil) throws(CoreError) -> Int {
    try positive(names, upTo: Self.extentLimit, default: fallback)
  }

  func layerCount(_ names: String...) throws(CoreError) -> Int {
    try positive(names, upTo: Self.layerLimit, default: nil)
  }

  private func positive(
    _ names: [String], upTo limit: Int, default fallback: Int?
  ) throws(CoreError) -> Int {
    guard let field = value(names) else {
      if let fallback { return fallback }
      throw CoreError(.configInvalid, "\(names[0]) is missing")
    }
    guard let number = field.intValue, number > 0, number <= limit else {
      throw CoreError(.configInvalid, "\(names[0]) must be a whole number from 1 to \(limit)")
    }
    return number
  }

  /// A token id; nil when absent.
  func tokenID(_ name: String) throws(CoreError) -> Int? {
    guard let field = value([name]) else { return nil }
    guard let number = field.intValue, number >= 0, number <= Self.extentLimit else {
      throw CoreError(.configInvalid, "\(name) must be a token id")
    }
    return number
  }

  func activation(_ name: String) throws(CoreError) -> Activation {
    guard let known = try optionalActivation(name) else {
      throw CoreError(.configInvalid, "\(name) is missing")
    }
    return known
  }

  func optionalActivation(_ name: String) throws(CoreError) -> Activation? {
    guard let field = value([name]) else { return nil }
    guard let text = field.stringValue else {
      throw CoreError(.configInvalid, "\(name) must be a name")
    }
    guard let known = Activation(configName: text) else {
      throw CoreError(.configUnsupported, "\(name) '\(text)' is not supported")
    }
    return known
  }

  func epsilon(_ name: String) throws(CoreError) -> Float {
    // The value that is computed with decides: a tiny double is zero as a float.
    let number = fields[name]?.doubleValue.map { Float($0) }
    guard let number, number.isNormal, number > 0, number < 1 else {
      throw CoreError(.configInvalid, "\(name) must lie between 0 and 1 as a 32-bit float")
    }
    return number
  }

  func probability(_ name: String, default fallback: Float) throws(CoreError) -> Float {
    try optionalProbability(name) ?? fallback
  }

  func optionalProbability(_ name: String) throws(CoreError) -> Float? {
    guard let field = value([name]) else { return nil }
    guard let number = field.doubleValue.map({ Float($0) }), number >= 0, number < 1 else {
      throw CoreError(.configInvalid, "\(name) must be at least 0 and below 1 as a 32-bit float")
    }
    return number
  }

  func deviation(_ name: String, default fallback: Float) throws(CoreError) -> Float {
    guard let field = value([name]) else { return fallback }
    guard let number = field.doubleValue.map({ Float($0) }), number >= 0, number.isFinite else {
      throw CoreError(.configInvalid, "\(name) must be a number that is not negative")
    }
    return number
  }

  func labels() throws(CoreError) -> [String] {
    if let map = fields["id2label"]?.objectValue {
      guard map.count <= Self.labelLimit else {
        throw CoreError(.configInvalid, "id2label must name at most \(Self.labelLimit) labels")
      }
      var names: [String] = []
      for id in 0..<map.count {
        guard let name = map[String(id)]?.stringValue else {
          throw CoreError(.configInvalid, "id2label does not name every label from 0")
        }
        names.append(name)
      }
      return names
    }
    let count = try positive(["num_labels"], upTo: Self.labelLimit, default: 0)
    return (0..<count).map { "LABEL_\($0)" }
  }

  /// Refuses values of fields that would make it another model.
  ///
  /// - Parameter accepted: what each field may hold; an absent or null field is accepted.
  func require(_ accepted: KeyValuePairs<String, JSONValue>) throws(CoreError) {
    for (name, value) in accepted {
      guard let field = fields[name], field != .null, field != value else { continue }
      throw CoreError(.configUnsupported, "\(name) \(field.compactText) is not supported")
    }
  }
}
