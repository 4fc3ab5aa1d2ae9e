import CTKCore

/// A way a metadata field can be wrong, before it is known whose it is.
enum HeaderFault: Error {
  /// The file is of another format.
  case foreign
  case damaged(String)
  case unsupported(String)
}

/// Strict access to the members of an object inside the metadata.
///
/// Members are taken out one by one; what is left at the end is reserved.
struct HeaderFields {
  private let what: String
  private var object: JSONObject

  init(_ value: JSONValue, what: String) throws(HeaderFault) {
    guard let object = value.objectValue else { throw .damaged("\(what) is not an object") }
    self.what = what
    self.object = object
  }

  /// Takes a member out.
  mutating func take(_ key: String) -> JSONValue? {
    defer { object[key] = nil }
    return object[key]
  }

  mutating func string(_ key: String) throws(HeaderFault) -> String {
    guard let value = take(key)?.stringValue else { throw wrong(key, "a string") }
    return value
  }

  mutating func count(_ key: String) throws(HeaderFault) -> Int {
    guard let value = take(key)?.intValue, value >= 0 else { throw wrong(key, "a count") }
    return value
  }

  mutating func digest(_ key: String) throws(HeaderFault) -> Digest {
    guard let value = take(key)?.stringValue.flatMap(Digest.init(hex:)) else {
      throw wrong(key, "64 hexadecimal digits")
    }
    return value
  }

  /// A digest, or nil when it may be absent and is.
  mutating func digest(_ key: String, isOptional: Bool) throws(HeaderFault) -> Digest? {
    if isOptional && object[key] == nil { return nil }
    return try digest(key)
  }

  mutating func shape(_ key: String) throws(HeaderFault) -> [Int] {
    guard let elements = take(key)?.arrayValue, elements.count <= PatchFormat.rankLimit else {
      throw wrong(key, "an array of extents")
    }
    var shape: [Int] = []
    for element in elements {
      guard let extent = element.intValue, extent >= 0 else {
        throw wrong(key, "an array of extents")
      }
      shape.append(extent)
    }
    return shape
  }

  private mutating func dtype(_ key: String) throws(HeaderFault) -> DType {
    guard let dtype = DType(rawValue: try string(key)) else { throw wrong(key, "a dtype") }
    return dtype
  }

  /// A dtype and a shape as the description of a tensor.
  ///
  /// - Parameter fallback: the dtype where no member tells it.
  mutating func tensor(
    _ name: String, dtype dtypeKey: String?, shape shapeKey: String, default fallback: DType? = nil
  ) throws(HeaderFault) -> TensorInfo {
    let dtype = try dtypeKey.map { (key) throws(HeaderFault) in try self.dtype(key) } ?? fallback
    guard let dtype else { throw .damaged("\(what) has no dtype") }
    let shape = try shape(shapeKey)
    do {
      return try TensorInfo(name: name, dtype: dtype, shape: shape)
    } catch {
      throw .damaged(error.message)
    }
  }

  /// Refuses members that were not taken and are not to be ignored.
  func requireNoMore() throws(HeaderFault) {
    for key in object.keys where !key.hasPrefix("x-") {
      throw .unsupported("\(what) has the unknown member '\(key)'")
    }
  }

  func wrong(_ key: String, _ expected: String) -> HeaderFault {
    .damaged("\(what): '\(key)' is not \(expected)")
  }
}
