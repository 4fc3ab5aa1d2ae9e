import CTKCore

/// Whole files, written at once.
enum SmallFile {
  static func write(_ text: String, to path: String) throws(CoreError) {
    try write(Array(text.utf8), to: path)
  }

  static func write(_ bytes: [UInt8], to path: String) throws(CoreError) {
    var file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit()
  }
}
