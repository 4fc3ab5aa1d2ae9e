public import CTKCore

/// The tensors of a model in one safetensors file or in several shards.
public final class SafetensorsCheckpoint: TensorSource {
  /// One file of the checkpoint and the tensors taken from it, sorted by name.
  public typealias Shard = (name: String, tensors: [TensorInfo])

  /// The folder or file that was opened.
  public let path: String
  public let tensors: [TensorInfo]
  /// Metadata entries on which all files agree.
  public let metadata: [String: String]
  public let shards: [Shard]
  /// Oddities that do not make the checkpoint unreadable, one sentence each.
  public let findings: [String]

  private let files: [SafetensorsFile]
  private let fileOfTensor: [UTF8Key: Int]

  /// Opens a folder, a shard index or a single file.
  ///
  /// In a folder `model.safetensors` wins over `model.safetensors.index.json`, as it does in
  /// transformers.
  ///
  /// - Throws: `safetensors.weights-missing`, `safetensors.index-invalid`, the
  ///   `safetensors.shard-*` codes, and the codes of `SafetensorsFile`.
  public convenience init(
    path: String, allowsUnfinishedChange isUnchecked: Bool = false
  ) throws(SafetensorsError) {
    guard Folder.exists(path) else {
      if path.hasSuffix(".json") {
        try self.init(path: path, index: path, findings: [], isUnchecked)
      } else {
        try self.init(path: path, file: path, findings: [], isUnchecked)
      }
      return
    }
    let single = path + "/" + SafetensorsFormat.singleFileName
    let index = path + "/" + SafetensorsFormat.indexFileName
    switch (Folder.fileExists(single), Folder.fileExists(index)) {
    case (true, let hasIndex):
      let finding =
        "\(SafetensorsFormat.singleFileName) was read; "
        + "\(SafetensorsFormat.indexFileName) beside it was not"
      try self.init(path: path, file: single, findings: hasIndex ? [finding] : [], isUnchecked)
    case (false, true):
      try self.init(path: path, index: index, findings: [], isUnchecked)
    case (false, false):
      throw SafetensorsError(
        .weightsMissing,
        "the folder has neither \(SafetensorsFormat.singleFileName) nor "
          + SafetensorsFormat.indexFileName, path: path)
    }
  }

  private init(
    path: String, file: String, findings: [String], _ isUnchecked: Bool
  ) throws(SafetensorsError) {
    let single = try SafetensorsFile(path: file, allowsUnfinishedChange: isUnchecked)
    self.path = path
    self.findings = findings + single.findings
    files = [single]
    tensors = single.tensors
    metadata = single.metadata
    shards = [(Output.lastComponent(of: file), single.tensors)]
    fileOfTensor = Dictionary(uniqueKeysWithValues: single.tensors.map { (UTF8Key($0.name), 0) })
  }

  private init(
    path: String, index: String, findings: [String], _ isUnchecked: Bool
  ) throws(SafetensorsError) {
    let map = try ShardIndex(path: index)
    let files = try Self.openShards(
      map.shardNames, in: Output.parentFolder(of: index), isUnchecked)
    let assembly = try ShardAssembly(
      index: map, indexPath: index, tensors: files.map(\.tensors))
    self.path = path
    self.findings = findings + files.flatMap(\.findings) + assembly.findings
    self.files = files
    fileOfTensor = assembly.fileOfTensor
    tensors = assembly.tensors
    metadata = Self.commonMetadata(of: files)
    shards = zip(map.shardNames, files.indices).map { name, position in
      (name, files[position].tensors.filter { assembly.fileOfTensor[UTF8Key($0.name)] == position })
    }
  }

  public func info(of name: String) -> TensorInfo? {
    fileOfTensor[UTF8Key(name)].flatMap { files[$0].info(of: name) }
  }

  public func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let position = fileOfTensor[UTF8Key(name)] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'", path: path)
    }
    return try files[position].withTensorBytes(name, body)
  }

  public func residentBytes(of name: String) -> UnsafeRawBufferPointer? {
    fileOfTensor[UTF8Key(name)].flatMap { files[$0].residentBytes(of: name) }
  }

  /// Gives back the memory a tensor's bytes, or a part of them, took while they were read.
  public func discard(_ name: String, _ part: Range<Int>? = nil) {
    if let position = fileOfTensor[UTF8Key(name)] { files[position].discard(name, part) }
  }

  /// Where a tensor's bytes lie in its file.
  public func byteRange(of name: String) -> Range<Int>? {
    fileOfTensor[UTF8Key(name)].flatMap { files[$0].byteRange(of: name) }
  }

  /// The metadata of one of the shards.
  public func metadata(ofShard position: Int) -> [String: String] { files[position].metadata }

  private static func openShards(
    _ names: [String], in folder: String, _ isUnchecked: Bool
  ) throws(SafetensorsError) -> [SafetensorsFile] {
    var files: [SafetensorsFile] = []
    for name in names {
      let path = folder + "/" + name
      guard Folder.fileExists(path) else {
        throw SafetensorsError(
          .shardMissing, "the shard '\(name)' named by the index is not there", path: path,
          hint: "fetch the missing file")
      }
      files.append(try SafetensorsFile(path: path, allowsUnfinishedChange: isUnchecked))
    }
    return files
  }

  private static func commonMetadata(of files: [SafetensorsFile]) -> [String: String] {
    guard let first = files.first else { return [:] }
    return first.metadata.filter { entry in
      files.allSatisfy { $0.metadata[entry.key] == entry.value }
    }
  }
}
