import CTKCore

/// The containers that an import reads.
enum SourceContainer: String, Sendable {
  case safetensors
  case hdf5
}

/// Where the weights of a source lie.
struct SourceFile: Sendable, Equatable {
  let container: SourceContainer
  /// A file, or the folder that holds a safetensors checkpoint.
  let path: String
  /// The folder in which the configuration and the tokenizer are looked for.
  let folder: String

  private static let hdf5Suffixes = [".h5", ".hdf5"]
  private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Finds the weights that a path means.
  ///
  /// In a folder these win, in order: `model.safetensors`, `model.safetensors.index.json`,
  /// `tf_model.h5`, the only HDF5 file.
  ///
  /// - Throws: `import.source-missing`, `import.source-ambiguous`,
  ///   `import.container-unsupported`, and the codes of reading a file.
  static func locate(_ path: String) throws(CheckpointError) -> SourceFile {
    if Folder.exists(path) { return try locate(inFolder: path) }
    let folder = Output.parentFolder(of: path)
    guard Folder.fileExists(path) else {
      throw CheckpointError(.sourceMissing, "there is no such file or folder", path: path)
    }
    if path.hasSuffix(".safetensors") || path.hasSuffix(".safetensors.index.json") {
      return SourceFile(container: .safetensors, path: path, folder: folder)
    }
    if try isHDF5(path) { return SourceFile(container: .hdf5, path: path, folder: folder) }
    throw CheckpointError(
      .containerUnsupported, "this is neither a safetensors file nor an HDF5 file", path: path,
      hint: "name a .safetensors file, a .safetensors.index.json, an .h5 file or their folder")
  }

  private static func locate(inFolder path: String) throws(CheckpointError) -> SourceFile {
    let names = try CheckpointError.wrap { () throws(CoreError) in try Folder.names(in: path) }
    if names.contains("model.safetensors") || names.contains("model.safetensors.index.json") {
      return SourceFile(container: .safetensors, path: path, folder: path)
    }
    let candidates = names.filter { name in hdf5Suffixes.contains { name.hasSuffix($0) } }
    let chosen = candidates.contains("tf_model.h5") ? ["tf_model.h5"] : candidates
    guard chosen.count <= 1 else {
      throw CheckpointError(
        .sourceAmbiguous, "the folder has several HDF5 files: \(chosen.joined(separator: ", "))",
        path: path, hint: "name the file itself")
    }
    guard let name = chosen.first else {
      throw CheckpointError(
        .sourceMissing, "the folder has no model.safetensors, no shard index and no HDF5 file",
        path: path)
    }
    return SourceFile(container: .hdf5, path: path + "/" + name, folder: path)
  }

  /// By the signature, which a user block may push back to 512 bytes times a power of two.
  private static func isHDF5(_ path: String) throws(CheckpointError) -> Bool {
    let file = try CheckpointError.wrap { () throws(CoreError) in try MappedFile(path: path) }
    return file.withBytes { bytes in
      var offset = 0
      while offset + hdf5Signature.count <= bytes.count {
        if bytes[offset..<offset + hdf5Signature.count].elementsEqual(hdf5Signature) { return true }
        offset = max(512, offset * 2)
      }
      return false
    }
  }
}
