import CTKCore

extension PatchEntry {
  var json: JSONValue {
    var object = JSONObject(["kind": .string(kind.rawValue), "name": .string(name)])
    object["before"] = before.map { .string($0.digest.hex) }
    object["after"] = after.map { .string($0.digest.hex) }
    if let main = (after ?? before)?.info {
      object["dtype"] = .string(main.dtype.rawValue)
      object["shape"] = .array(main.shape.map { .integer($0) })
    }
    if let old = before?.info, after != nil {
      if kind.hasBaseDType { object["base_dtype"] = .string(old.dtype.rawValue) }
      if kind.hasBaseShape { object["base_shape"] = .array(old.shape.map { .integer($0) }) }
    }
    if let original {
      object["of"] = .string(original)
    } else {
      object["codec"] = .string(codec.rawValue)
    }
    if hasSharedUnits { object["changes"] = .integer(changes) }
    return .object(object)
  }

  init(json: JSONValue) throws(HeaderFault) {
    var fields = try HeaderFields(json, what: "an entry of 'tensors'")
    let name = try fields.tensorName("name")
    let kindName = try fields.string("kind")
    guard let kind = Kind(rawValue: kindName) else {
      throw .unsupported("tensor '\(name)' is of the unknown kind '\(kindName)'")
    }
    let original = kind == .alias ? try fields.tensorName("of") : nil
    let codec = kind == .alias ? .deflate : try fields.codec(of: name)
    let sides = try Self.sides(name, kind, fields: &fields)
    let entry = PatchEntry(
      name: name, before: sides.before, after: sides.after,
      changes: kind.hasChanges ? try fields.count("changes") : 0, codec: codec,
      original: original)
    try fields.requireNoMore()
    self = try entry.asKind(kind)
  }

  /// The entry as the kind that its table row says.
  private func asKind(_ kind: Kind) throws(HeaderFault) -> PatchEntry {
    let fewest = kind == .changed ? 1 : 0
    guard kind.fits(before: before?.info, after: after?.info) else {
      throw .damaged("the entry of tensor '\(name)' contradicts itself")
    }
    let entry = kind == self.kind ? self : PatchEntry(self, kind: kind)
    guard !kind.hasChanges || (fewest...max(fewest, entry.sharedUnitCount)).contains(changes)
    else {
      throw .damaged("the entry of tensor '\(name)' contradicts itself")
    }
    return entry
  }

  private static func sides(
    _ name: String, _ kind: Kind, fields: inout HeaderFields
  ) throws(HeaderFault) -> (before: TensorState?, after: TensorState?) {
    let main = try fields.tensor(name, dtype: "dtype", shape: "shape")
    let before = kind == .added ? nil : try fields.digest("before", isOptional: kind == .alias)
    let after = kind == .removed ? nil : try fields.digest("after", isOptional: kind == .alias)
    var old = main
    if before != nil && after != nil && kind.hasBaseShape {
      old = try fields.tensor(
        name, dtype: kind.hasBaseDType ? "base_dtype" : nil, shape: "base_shape",
        default: main.dtype)
    }
    return (
      before.map { TensorState(info: old, digest: $0) },
      after.map { TensorState(info: main, digest: $0) }
    )
  }
}

extension PatchEntry.Kind {
  var hasChanges: Bool { [.changed, .reshaped, .grown, .shrunk].contains(self) }
  /// Whether rows tell the base's dtype, and its shape, apart from the target's.
  fileprivate var hasBaseDType: Bool { self == .replaced || self == .alias }
  fileprivate var hasBaseShape: Bool { hasBaseDType || (hasChanges && self != .changed) }
}

extension HeaderFields {
  fileprivate mutating func tensorName(_ key: String) throws(HeaderFault) -> String {
    let name = try string(key)
    guard (1...PatchFormat.nameLimit).contains(name.utf8.count) else {
      throw .damaged("a tensor name of \(name.utf8.count) bytes")
    }
    return name
  }

  fileprivate mutating func codec(of name: String) throws(HeaderFault) -> PatchCodec {
    let codecName = try string("codec")
    guard let codec = PatchCodec(rawValue: codecName) else {
      throw .unsupported("tensor '\(name)' needs the unknown codec '\(codecName)'")
    }
    return codec
  }
}
