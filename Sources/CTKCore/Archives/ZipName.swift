/// The rule for member names: a relative path that means the same everywhere.
enum ZipName {
  static func checked(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) -> String {
    guard bytes.count <= ZipFormat.nameByteLimit else {
      throw ArchiveError(.limitExceeded, "a member's name has \(bytes.count) bytes")
    }
    guard let name = String(validating: bytes, as: UTF8.self), isPlainPath(name) else {
      let text = String(decoding: bytes, as: UTF8.self)
      throw ArchiveError(
        .nameUnsafe, "the member name '\(text)' is not a plain path inside the archive")
    }
    return name
  }

  private static func isPlainPath(_ name: String) -> Bool {
    let forbidden: [UInt8] = [0, UInt8(ascii: "\\")]
    if name.utf8.contains(where: { forbidden.contains($0) }) { return false }
    let path = name.hasSuffix("/") ? name.dropLast() : name[...]
    return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
      !part.isEmpty && part != "." && part != ".."
    }
  }
}
