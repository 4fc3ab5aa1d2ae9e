import CTKCore

extension FileEntry {
  /// Adds the streams of the small files that differ.
  ///
  /// - Returns: their entries, in name order.
  /// - Throws: `patch.file-invalid`, `output.*`.
  static func collect(
    _ files: [ChangedFile], into collector: inout StreamCollector
  ) throws(PatchError) -> [FileEntry] {
    var entries: [FileEntry] = []
    for file in files.sorted(by: { utf8Precedes($0.name, $1.name) })
    where file.before != file.after {
      try check(file, after: entries.last)
      var stream: [UInt8] = []
      for side in [file.before, file.after] {
        side?.withUnsafeBufferPointer { Part.encode($0, content: .index, to: &stream) }
      }
      let entry = FileEntry(file)
      try collector.add(entry.streamName, stream)
      entries.append(entry)
    }
    return entries
  }

  private static func check(_ file: ChangedFile, after last: FileEntry?) throws(PatchError) {
    guard isAllowed(file.name), last?.name != file.name else {
      throw PatchError(
        .fileInvalid, "a patch cannot carry a file named '\(file.name)', or not twice",
        hint: "only small text files such as config.json belong into a patch")
    }
    for side in [file.before, file.after] {
      if let count = side?.count, count > PatchFormat.fileByteLimit {
        throw PatchError(
          .fileInvalid,
          "file '\(file.name)' has \(count) bytes, more than \(PatchFormat.fileByteLimit)")
      }
    }
  }
}
