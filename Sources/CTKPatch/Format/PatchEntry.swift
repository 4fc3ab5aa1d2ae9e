public import CTKCore

/// One tensor of a checkpoint: what it is and the digest of what it holds.
public struct TensorState: Sendable, Hashable {
  public let info: TensorInfo
  public let digest: Digest

  public init(info: TensorInfo, digest: Digest) {
    self.info = info
    self.digest = digest
  }
}

/// One row of a patch's tensor table (`formats/patch.md` section 4.3).
public struct PatchEntry: Sendable {
  public enum Kind: String, Sendable {
    case changed
    case added
    case removed
    case replaced
  }

  public let name: String
  public let kind: Kind
  /// The base's tensor; nil when it is added.
  public let before: TensorState?
  /// The target's tensor; nil when it is removed.
  public let after: TensorState?
  /// Units whose bits differ, in a changed tensor; 0 otherwise.
  public let changes: Int
  public let codec: PatchCodec

  /// The entry for a tensor with these two sides, of which one may be nil.
  init(
    name: String, before: TensorState?, after: TensorState?, changes: Int, codec: PatchCodec
  ) {
    self.name = name
    self.before = before
    self.after = after
    self.changes = changes
    self.codec = codec
    kind =
      switch (before, after) {
      case (nil, _): .added
      case (_, nil): .removed
      case (let old?, let new?):
        old.info.dtype == new.info.dtype && old.info.shape == new.info.shape
          ? .changed : .replaced
      }
  }

  var streamName: String { PatchFormat.tensorStreamPrefix + name }
}

// MARK: Metadata

extension PatchEntry {
  var json: JSONValue {
    var object = JSONObject(["codec": .string(codec.rawValue), "kind": .string(kind.rawValue)])
    object["name"] = .string(name)
    object["before"] = before.map { .string($0.digest.hex) }
    object["after"] = after.map { .string($0.digest.hex) }
    if let main = (after ?? before)?.info {
      object["dtype"] = .string(main.dtype.rawValue)
      object["shape"] = .array(main.shape.map { .integer($0) })
    }
    if kind == .replaced, let old = before?.info {
      object["base_dtype"] = .string(old.dtype.rawValue)
      object["base_shape"] = .array(old.shape.map { .integer($0) })
    }
    if kind == .changed { object["changes"] = .integer(changes) }
    return .object(object)
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "an entry of 'tensors'")
    let name = try fields.string("name")
    guard (1...PatchFormat.nameLimit).contains(name.utf8.count) else {
      throw .damaged("a tensor name of \(name.utf8.count) bytes")
    }
    let kindName = try fields.string("kind")
    guard let kind = Kind(rawValue: kindName) else {
      throw .unsupported("tensor '\(name)' is of the unknown kind '\(kindName)'")
    }
    let codecName = try fields.string("codec")
    guard let codec = PatchCodec(rawValue: codecName) else {
      throw .unsupported("tensor '\(name)' needs the unknown codec '\(codecName)'")
    }
    let main = try fields.tensor(name, dtype: "dtype", shape: "shape")
    let sides = try Self.sides(kind, main: main, fields: &fields)
    let changes = kind == .changed ? try fields.count("changes") : 0
    try fields.requireNoMore()
    self.init(
      name: name, before: sides.before, after: sides.after, changes: changes, codec: codec)
    guard self.kind == kind, kind != .changed || (1...main.unitCount).contains(changes) else {
      throw .damaged("the entry of tensor '\(name)' contradicts itself")
    }
  }

  private static func sides(
    _ kind: Kind, main: TensorInfo, fields: inout HeaderFields
  ) throws(HeaderFault) -> (before: TensorState?, after: TensorState?) {
    var (before, after): (TensorState?, TensorState?)
    if kind != .added {
      let info =
        kind == .replaced
        ? try fields.tensor(main.name, dtype: "base_dtype", shape: "base_shape") : main
      before = TensorState(info: info, digest: try fields.digest("before"))
    }
    if kind != .removed {
      after = TensorState(info: main, digest: try fields.digest("after"))
    }
    return (before, after)
  }
}
