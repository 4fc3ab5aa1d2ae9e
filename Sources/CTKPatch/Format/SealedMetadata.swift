import CTKCore

/// The metadata of a ctk file whose format, version and seal were checked.
///
/// Keys are taken out one by one; what is left at the end is reserved.
struct SealedMetadata {
  /// The seal, which identifies the file.
  let digest: Digest
  let version: String
  private var values: [String: String]

  init(
    _ metadata: [String: String], format: String, versions: [String]
  ) throws(HeaderFault) {
    guard metadata["format"] == format else { throw .foreign }
    let version = metadata["version"] ?? ""
    guard versions.contains(version) else {
      throw .unsupported(
        "version '\(version)' of the format, not \(versions.joined(separator: " or "))")
    }
    self.version = version
    digest = HeaderSeal.digest(of: metadata)
    guard metadata[HeaderSeal.key] == digest.hex else {
      throw .damaged("the metadata does not match its digest")
    }
    values = metadata.filter { !HeaderSeal.isIgnored($0.key) }
    for key in ["format", "version", HeaderSeal.key] { values[key] = nil }
  }

  mutating func string(_ key: String) throws(HeaderFault) -> String {
    guard let value = values.removeValue(forKey: key) else {
      throw .damaged("there is no '\(key)'")
    }
    return value
  }

  mutating func digest(_ key: String) throws(HeaderFault) -> Digest {
    guard let digest = Digest(hex: try string(key)) else {
      throw .damaged("'\(key)' is not 64 hexadecimal digits")
    }
    return digest
  }

  func has(_ key: String) -> Bool { values[key] != nil }

  mutating func json(_ key: String) throws(HeaderFault) -> JSONValue {
    let text = Array(try string(key).utf8)
    do {
      return try JSONParser.parse(text)
    } catch {
      throw .damaged("'\(key)': \(error.message)")
    }
  }

  func requireNoMore() throws(HeaderFault) {
    if let key = values.keys.min(by: utf8Precedes) {
      throw .unsupported("the metadata has the unknown key '\(key)'")
    }
  }

  /// Refuses names that are not strictly ascending by their bytes.
  static func requireAscending(_ names: [String], in key: String) throws(HeaderFault) {
    for (first, second) in zip(names, names.dropFirst()) where !utf8Precedes(first, second) {
      throw .damaged("'\(key)' is not in ascending order at '\(second)'")
    }
  }
}
