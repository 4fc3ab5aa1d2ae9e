import CTKCore
import CTKPatch
import CTKTorch

/// A `pytorch_diff.bin` of composable-sft: `diffs` with `size`, `index_steps` and `values` for each
/// tensor, and whole tensors under `abs`.
enum SparseFineTuningFile {
  static let name = "pytorch_diff.bin"

  /// Names of the two groups; the tool's first version called them otherwise.
  private static let differenceGroups = ["diffs", "body"]
  private static let wholeGroups = ["abs", "head"]
  private static let (size, steps, values) = ("size", "index_steps", "values")

  /// The file that a path means; nil for something else.
  static func path(_ path: String) throws -> String? {
    if Folder.exists(path) {
      return Folder.fileExists(path + "/" + name) ? path + "/" + name : nil
    }
    return try TorchFile.recognises(path) ? path : nil
  }

  /// What the file changes in a base.
  ///
  /// - Throws: `peer.damaged`, `peer.tensor-unknown`, and the codes of `TorchFile`.
  static func read(_ path: String, base: any TensorSource) throws -> [PeerTensor] {
    let file = try TorchFile(path: path)
    let names = PeerNames(base: base)
    return try file.tensors.map { info in
      let parts = info.name.split(separator: "/").map(String.init)
      if parts.count == 2, wholeGroups.contains(parts[0]) {
        return whole(info, in: file, as: names.resolve(parts[1]) ?? parts[1])
      }
      guard parts.count == 3, differenceGroups.contains(parts[0]), parts[2] == values else {
        throw PatchError(
          .peerDamaged, "'\(info.name)' has no place in a file of composable-sft", path: path,
          hint: "its tensors lie under diffs and abs")
      }
      return try differences(info, named: parts[1], in: file, base: base, names)
    }
  }

  private static func differences(
    _ info: TensorInfo, named name: String, in file: TorchFile, base: any TensorSource,
    _ names: PeerNames
  ) throws -> PeerTensor {
    let group = info.name.dropLast(values.count)
    let target = try base.requireInfo(of: names.require(name, path: file.path))
    guard let size = file.integerLists[group + size], let steps = file.integerLists[group + steps],
      info.shape == [steps.count]
    else {
      throw PatchError(
        .peerDamaged, "'\(name)' lacks its size, or a step for each of its values",
        path: file.path)
    }
    return try SparseFineTuning.change(
      target, by: .init(size: size, steps: steps, dtype: info.dtype), path: file.path
    ) { () throws(PatchError) in try bytes(of: info, in: file) }
  }

  private static func whole(_ info: TensorInfo, in file: TorchFile, as name: String) -> PeerTensor {
    PeerTensor(
      name: name,
      content: .whole(info.renamed(name)) { () throws(PatchError) in
        try bytes(of: info, in: file)
      })
  }

  private static func bytes(
    of info: TensorInfo, in file: TorchFile
  ) throws(PatchError) -> [UInt8] {
    do {
      return try file.withTensorBytes(info.name) { Array($0) }
    } catch let error as any Diagnosable {
      throw PatchError(wrapping: error)
    } catch {
      throw PatchError(.sourceFailed, "\(error)", path: file.path)
    }
  }

  /// Writes a folder with the file.
  ///
  /// Peak memory is about the changed elements of one tensor, and the steps of all.
  ///
  /// - Throws: `peer.not-representable`, `output.*`, and the codes of the sources.
  static func write(
    base: any TensorSource, tuned: any TensorSource, to folder: String, replacesExisting: Bool
  ) throws -> PeerSummary {
    var changes = try SparseFineTuning(base: base, tuned: tuned)
    let output = try AtomicFolder(path: folder, replacesExisting: replacesExisting)
    var writer = try TorchWriter(path: output.path(of: name))
    try writer.addPickle(try pickle(&changes))
    var storage = 0
    for info in changes.differences {
      try writer.addStorage(String(storage), try changes.values(of: info))
      storage += 1
    }
    for info in changes.whole {
      try writer.addStorage(String(storage), try changes.bytes(of: info))
      storage += 1
    }
    try writer.commit()
    try output.commit()
    return changes.summary
  }

  private static func pickle(_ changes: inout SparseFineTuning) throws -> [UInt8] {
    var pickle = PickleWriter()
    var storage = 0
    func nextStorage() -> String {
      defer { storage += 1 }
      return String(storage)
    }
    try pickle.dictionary { pickle in
      pickle.text(differenceGroups[0])
      try pickle.dictionary { pickle in
        for info in changes.differences {
          let found = try changes.steps(of: info)
          pickle.text(info.name)
          try pickle.dictionary { pickle in
            pickle.text(size)
            pickle.size(info.shape)
            pickle.text(steps)
            pickle.list(found)
            pickle.text(values)
            try pickle.tensor(
              try TensorInfo(name: info.name, dtype: .f32, shape: [found.count]),
              storage: nextStorage())
          }
        }
      }
      pickle.text(wholeGroups[0])
      try pickle.dictionary { pickle in
        for info in changes.whole {
          pickle.text(info.name)
          try pickle.tensor(info, storage: nextStorage())
        }
      }
    }
    return pickle.finish()
  }
}
