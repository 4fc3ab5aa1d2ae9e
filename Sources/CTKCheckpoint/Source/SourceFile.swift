import CTKCore
import CTKTensorBundle
import CTKTorch

/// The containers that an import reads.
enum SourceContainer: String, Sendable {
  case safetensors
  /// An HDF5 file, or the index of several.
  case hdf5
  /// A `.keras` archive.
  case kerasArchive
  /// A folder that KerasHub saved a model in.
  case kerasPreset
  /// A file of torch.save, or the index of several.
  case torch
  case tensorBundle
}

/// Where the weights of a source lie.
struct SourceFile: Sendable, Equatable {
  let container: SourceContainer
  /// A file, the prefix of a TensorFlow checkpoint, or the folder that holds a safetensors
  /// checkpoint or a preset.
  let path: String
  /// The folder in which the configuration and the tokenizer are looked for.
  let folder: String

  private static let hdf5Suffixes = [".h5", ".hdf5"]
  private static let hdf5Signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  static let torchIndexSuffix = ".bin.index.json"
  static let hdf5IndexSuffix = ".h5.index.json"
  private static let kerasSuffix = ".keras"

  /// Names that win in a folder over all others, in their order.
  private static let standardNames: [(name: String, container: SourceContainer)] = [
    ("pytorch_model.bin", .torch), ("pytorch_model.bin.index.json", .torch),
    ("tf_model.h5", .hdf5), ("tf_model.h5.index.json", .hdf5),
  ]

  /// Finds the weights that a path means.
  ///
  /// In a folder these win, in order: `model.safetensors`, `model.safetensors.index.json`,
  /// `pytorch_model.bin`, `pytorch_model.bin.index.json`, `tf_model.h5`, `tf_model.h5.index.json`, a
  /// preset's `model.weights.h5` or `model.weights.json`, the only HDF5 file, `.keras` archive or TensorFlow checkpoint.
  ///
  /// - Throws: `import.source-missing`, `import.source-ambiguous`,
  ///   `import.container-unsupported`, and the codes of reading a file.
  static func locate(_ path: String) throws(CheckpointError) -> SourceFile {
    if Folder.exists(path) { return try locate(inFolder: path) }
    let folder = Output.parentFolder(of: path)
    if TensorBundle.exists(path) {
      return SourceFile(container: .tensorBundle, path: path, folder: folder)
    }
    guard Folder.fileExists(path) else {
      throw CheckpointError(.sourceMissing, "there is no such file or folder", path: path)
    }
    guard let container = try container(of: path) else {
      throw CheckpointError(
        .containerUnsupported,
        "this is no file of safetensors, HDF5, PyTorch or TensorFlow", path: path,
        hint: "name a .safetensors, .h5, .keras, .bin or .pt file, a shard index, the prefix of a "
          + "TensorFlow checkpoint, or their folder")
    }
    return SourceFile(container: container, path: path, folder: folder)
  }

  /// The container of a file, by its name and its first bytes.
  static func container(of path: String) throws(CheckpointError) -> SourceContainer? {
    if path.hasSuffix(".safetensors") || path.hasSuffix(".safetensors.index.json") {
      return .safetensors
    }
    if path.hasSuffix(torchIndexSuffix) { return .torch }
    if path.hasSuffix(hdf5IndexSuffix) || path.hasSuffix(KerasShards.indexSuffix) { return .hdf5 }
    if path.hasSuffix(kerasSuffix) { return .kerasArchive }
    return try CheckpointError.wrap { () throws(CoreError) -> SourceContainer? in
      if try isHDF5(path) { return .hdf5 }
      if path.hasSuffix(".bin") || path.hasSuffix(".pt") { return .torch }
      return try TorchFile.recognises(path) ? .torch : nil
    }
  }

  private static func locate(inFolder path: String) throws(CheckpointError) -> SourceFile {
    let names = try CheckpointError.wrap { () throws(CoreError) in try Folder.names(in: path) }
    if names.contains("model.safetensors") || names.contains("model.safetensors.index.json") {
      return SourceFile(container: .safetensors, path: path, folder: path)
    }
    if let standard = standardNames.first(where: { names.contains($0.name) }) {
      return SourceFile(
        container: standard.container, path: path + "/" + standard.name, folder: path)
    }
    if KerasFiles.weightsOfPresets.contains(where: names.contains) {
      return SourceFile(container: .kerasPreset, path: path, folder: path)
    }
    let candidates = names.filter { candidateContainer(of: $0) != nil }
    guard candidates.count <= 1 else {
      throw CheckpointError(
        .sourceAmbiguous,
        "the folder has several files of weights: \(candidates.joined(separator: ", "))",
        path: path, hint: "name the file itself")
    }
    guard let name = candidates.first, let container = candidateContainer(of: name) else {
      throw CheckpointError(
        .sourceMissing,
        "the folder has no model.safetensors, pytorch_model.bin, HDF5 file, .keras archive or TensorFlow "
          + "checkpoint",
        path: path)
    }
    return SourceFile(container: container, path: path + "/" + name, folder: path)
  }

  /// What a file without a standard name is, by its suffix.
  private static func candidateContainer(of name: String) -> SourceContainer? {
    if name.hasSuffix(".index") { return .tensorBundle }
    if name.hasSuffix(kerasSuffix) { return .kerasArchive }
    return hdf5Suffixes.contains { name.hasSuffix($0) } ? .hdf5 : nil
  }

  /// By the signature, which a user block may push back to 512 bytes times a power of two.
  private static func isHDF5(_ path: String) throws(CoreError) -> Bool {
    try MappedFile(path: path).withBytes { bytes in
      var offset = 0
      while offset + hdf5Signature.count <= bytes.count {
        if bytes[offset..<offset + hdf5Signature.count].elementsEqual(hdf5Signature) { return true }
        offset = max(512, offset * 2)
      }
      return false
    }
  }
}
