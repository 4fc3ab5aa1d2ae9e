import CTKCore

/// The digest that makes a metadata block tamper-evident
/// (`formats/patch.md` section 4.2).
package enum HeaderSeal {
  static let key = "header_sha256"

  static func digest(of metadata: [String: String]) -> Digest {
    var hasher = StreamingDigest()
    for (key, value) in metadata.sorted(by: { utf8Precedes($0.key, $1.key) })
    where isSealed(key) {
      hasher.update("\(key.utf8.count)\n\(key)\n\(value.utf8.count)\n\(value)\n")
    }
    return hasher.finalize()
  }

  /// The metadata with its seal.
  package static func sealed(_ metadata: [String: String]) -> [String: String] {
    var result = metadata
    result[key] = digest(of: metadata).hex
    return result
  }

  /// Whether a key is one that readers skip (section 2.1).
  static func isIgnored(_ key: String) -> Bool { key == "signatures" || key.hasPrefix("x-") }

  private static func isSealed(_ key: String) -> Bool {
    key != Self.key && !isIgnored(key)
  }
}
