import CTKCore
import CTKSafetensors

/// `model.weights.json` of Keras 3 and the HDF5 files beside it: which groups of variables lie in
/// which of them.
struct KerasShards {
  static let indexSuffix = ".weights.json"

  /// Names of the files, sorted.
  private let fileNames: [String]
  /// The files that hold a part of each group.
  private let filesOfGroup: [(group: String, files: [String])]

  /// Opens every file that an index names, as one source.
  ///
  /// - Throws: `import.index-invalid`, the `import.shard-*` codes, and those of HDF5.
  static func open(_ path: String) throws(CheckpointError) -> SourceTensors {
    do throws(CheckpointError) {
      let shards = try KerasShards(index: path)
      let folder = Output.parentFolder(of: path)
      var parts: [MergedTensors.Part] = []
      for name in shards.fileNames {
        guard Folder.fileExists(folder + "/" + name) else {
          throw CheckpointError(
            .shardMissing, "the shard '\(name)' named by the index is not there",
            hint: "fetch the missing file")
        }
        parts.append(.init(prefix: "", source: try KerasFiles.open(folder + "/" + name)))
      }
      try shards.check(parts)
      let merged = MergedTensors(parts)
      return SourceTensors(merged, findings: merged.findings)
    } catch {
      throw error.at(path)
    }
  }

  private init(index path: String) throws(CheckpointError) {
    let json = try CheckpointError.wrap { () throws(CoreError) in try JSONParser.parseFile(path) }
    guard let map = json["weight_map"]?.objectValue else {
      throw CheckpointError(.indexInvalid, "the shard index has no object 'weight_map'")
    }
    var filesOfGroup: [(group: String, files: [String])] = []
    for (group, value) in map.members {
      let files = (value.arrayValue ?? [value]).compactMap(\.stringValue)
      guard !files.isEmpty, files.count == (value.arrayValue?.count ?? 1) else {
        throw CheckpointError(.indexInvalid, "weight_map gives no file name for '\(group)'")
      }
      if let name = files.first(where: { !ShardIndex.isPlainName($0) }) {
        throw CheckpointError(
          .shardNameUnsafe, "the shard name '\(name)' must be the plain name of a sibling file")
      }
      filesOfGroup.append((group.hasPrefix("/") ? String(group.dropFirst()) : group, files))
    }
    self.filesOfGroup = filesOfGroup
    fileNames = Set(filesOfGroup.flatMap(\.files)).sorted(by: utf8Precedes)
  }

  /// Whether every group has variables where the index says, and every variable one place.
  private func check(_ parts: [MergedTensors.Part]) throws(CheckpointError) {
    var fileOfTensor: [UTF8Key: String] = [:]
    var groups: Set<String> = []
    for (name, part) in zip(fileNames, parts) {
      for tensor in part.source.tensors {
        if let other = fileOfTensor.updateValue(name, forKey: UTF8Key(tensor.name)) {
          throw CheckpointError(
            .shardTensorAmbiguous, "'\(tensor.name)' lies in '\(other)' and in '\(name)'")
        }
        groups.insert(name + ":" + Output.parentFolder(of: tensor.name))
      }
    }
    for (group, files) in filesOfGroup {
      if let name = files.first(where: { !groups.contains($0 + ":" + group) }) {
        throw CheckpointError(
          .shardTensorMissing, "the index promises '\(group)' in '\(name)', which lacks it")
      }
    }
  }
}
