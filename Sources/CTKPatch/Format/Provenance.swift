public import CTKCore

/// Where a patch or a mask comes from, for people to read.
///
/// Holds no time, host or path, so that equal inputs give equal files.
public struct Provenance: Sendable, Equatable {
  public var task: String?
  public var method: String?
  /// Share of the scored weights in the child.
  public var keep: Double?
  /// Content digest of the mask.
  public var maskDigest: Digest?
  public var hyperparameters: JSONObject?
  /// Identity of the patch that this one continues.
  public var parent: Digest?
  public var baseLicense: String?
  public var note: String?
  /// Program and version.
  public var tool: String?

  public init(
    task: String? = nil, method: String? = nil, keep: Double? = nil, maskDigest: Digest? = nil,
    hyperparameters: JSONObject? = nil, parent: Digest? = nil, baseLicense: String? = nil,
    note: String? = nil, tool: String? = nil
  ) {
    self.task = task
    self.method = method
    self.keep = keep
    self.maskDigest = maskDigest
    self.hyperparameters = hyperparameters
    self.parent = parent
    self.baseLicense = baseLicense
    self.note = note
    self.tool = tool
  }
}

// MARK: Metadata

extension Provenance {
  /// The object of `formats/patch.md` section 4.5.
  public var json: JSONValue {
    var object = JSONObject()
    object["base_license"] = baseLicense.map { .string($0) }
    object["hyperparameters"] = hyperparameters.map { .object($0) }
    object["keep"] = keep.map { .real($0) }
    object["mask_digest"] = maskDigest.map { .string($0.hex) }
    object["method"] = method.map { .string($0) }
    object["note"] = note.map { .string($0) }
    object["parent"] = parent.map { .string($0.hex) }
    object["task"] = task.map { .string($0) }
    object["tool"] = tool.map { .string($0) }
    return .object(object)
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "'provenance'")
    baseLicense = try fields.optional("base_license", "a string", \.stringValue)
    hyperparameters = try fields.optional("hyperparameters", "an object", \.objectValue)
    keep = try fields.optional("keep", "a number", \.doubleValue)
    maskDigest = try fields.optional("mask_digest", "a digest", \.digestValue)
    method = try fields.optional("method", "a string", \.stringValue)
    note = try fields.optional("note", "a string", \.stringValue)
    parent = try fields.optional("parent", "a digest", \.digestValue)
    task = try fields.optional("task", "a string", \.stringValue)
    tool = try fields.optional("tool", "a string", \.stringValue)
    try fields.requireNoMore()
  }
}

extension HeaderFields {
  /// Takes a member that may be absent.
  mutating func optional<Value>(
    _ key: String, _ expected: String, _ read: (JSONValue) -> Value?
  ) throws(HeaderFault) -> Value? {
    guard let member = take(key) else { return nil }
    guard let value = read(member) else { throw wrong(key, expected) }
    return value
  }
}

extension JSONValue {
  fileprivate var digestValue: Digest? { stringValue.flatMap(Digest.init(hex:)) }
}
