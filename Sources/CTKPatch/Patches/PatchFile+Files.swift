public import CTKCore

extension PatchFile {
  /// Both sides of a small file, checked against their digests.
  ///
  /// - Parameter entry: one of the header's `files`.
  /// - Throws: `patch.damaged`, `patch.unsupported`.
  public func contents(of entry: FileEntry) throws(PatchError) -> ChangedFile {
    try withStream(entry.streamName) { (stream) throws(PatchError) in
      do throws(StreamFault) {
        var cursor = ByteCursor(stream)
        let before = try Self.side(entry.before, &cursor)
        let after = try Self.side(entry.after, &cursor)
        if !cursor.isAtEnd { throw .damaged("\(cursor.remaining) bytes follow its end") }
        return ChangedFile(name: entry.name, before: before, after: after)
      } catch {
        throw error.inPatch(entry.streamName, path: path)
      }
    }
  }

  private static func side(
    _ side: FileEntry.Side?, _ cursor: inout ByteCursor
  ) throws(StreamFault) -> [UInt8]? {
    guard let side else { return nil }
    let bytes = try Part.decode(&cursor, count: side.byteCount)
    guard Digest.of(bytes) == side.digest else { throw .damaged("does not match its digest") }
    return bytes
  }
}
