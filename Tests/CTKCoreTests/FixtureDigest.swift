import CTKCore

/// Digest of a fixture file.
enum FixtureDigest {
  static func of(_ path: String) throws -> String {
    try MappedFile(path: path).withBytes { Digest.of($0).hex }
  }
}
