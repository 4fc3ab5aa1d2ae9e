import CTKCore

/// The files of a checkpoint folder beside its weights.
struct FolderFiles {
  /// Weights of other containers, which a patch of the safetensors does not follow.
  private static let weightSuffixes = [
    ".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".h5", ".msgpack",
    ".ot", ".onnx", ".pt", ".pth", ".ckpt", ".gguf", ".keras",
  ]

  let folder: String

  /// Names of the files to carry over, sorted.
  func companions() throws(PatchError) -> [String] {
    let names = try PatchError.wrap { () throws(CoreError) in try Folder.names(in: folder) }
    return names.filter { name in
      Folder.fileExists(folder + "/" + name)
        && !Self.weightSuffixes.contains { name.hasSuffix($0) }
    }
  }

  /// Contents of a small file, or nil when there is none.
  func contents(of name: String) throws(PatchError) -> [UInt8]? {
    let path = folder + "/" + name
    guard Folder.fileExists(path) else { return nil }
    return try PatchError.wrap { () throws(CoreError) in try readSmallFile(path) }
  }

  /// Copies a file of the folder.
  func copy(_ name: String, to path: String, isDurable: Bool) throws(PatchError) {
    try PatchError.wrap { () throws(CoreError) in
      let source = try MappedFile(path: folder + "/" + name)
      var output = try AtomicFile(path: path, isDurable: isDurable)
      try source.withBytes { (bytes) throws(CoreError) in try output.write(bytes) }
      try output.commit()
    }
  }

  /// The small files that a chain changes, with their new contents; nil removes.
  ///
  /// - Throws: `patch.file-differs` unless `isForced`, `patch.damaged`.
  func results(
    of chain: PatchChain, isForced: Bool
  ) throws(PatchError) -> [(name: String, bytes: [UInt8]?)] {
    var results: [UTF8Key: [UInt8]?] = [:]
    for step in chain.steps {
      for entry in step.patch.header.files {
        let change = try step.patch.contents(of: entry)
        let known = results[UTF8Key(entry.name)]
        let current = if let known { known } else { try contents(of: entry.name) }
        guard isForced || current == step.source(of: change) else {
          throw PatchError(
            .fileDiffers, "'\(entry.name)' is not the file the patch was made from",
            path: folder + "/" + entry.name,
            hint: "restore the file, or allow replacing it")
        }
        results[UTF8Key(entry.name)] = .some(step.result(of: change))
      }
    }
    return results.map { ($0.key.text, $0.value) }.sorted { utf8Precedes($0.name, $1.name) }
  }
}
