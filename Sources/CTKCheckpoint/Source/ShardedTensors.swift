import CTKCore
import CTKSafetensors

/// Tensors that lie in several files of one container, by a shard index.
struct ShardedTensors: TensorSource {
  let tensors: [TensorInfo]
  private let shards: [SourceTensors]
  private let shardOfTensor: [UTF8Key: Int]

  /// Opens every shard that the index names.
  ///
  /// - Parameters:
  ///   - tensorName: what a tensor of the index is called in its shard, given all names there.
  ///   - open: opens a file of the container.
  /// - Throws: `import.index-invalid`, the `import.shard-*` codes, and those of `open`.
  static func open(
    index path: String, tensorName: (String, Set<String>) -> String = { name, _ in name },
    _ open: (String) throws(CheckpointError) -> SourceTensors
  ) throws(CheckpointError) -> SourceTensors {
    let index = try withOwnCodes { () throws(SafetensorsError) in try ShardIndex(path: path) }
    let folder = Output.parentFolder(of: path)
    var shards: [SourceTensors] = []
    for name in index.shardNames {
      let shard = folder + "/" + name
      guard Folder.fileExists(shard) else {
        throw CheckpointError(
          .shardMissing, "the shard '\(name)' named by the index is not there", path: shard,
          hint: "fetch the missing file")
      }
      shards.append(try open(shard))
    }
    let stored = Set(shards.flatMap { $0.tensors.map(\.name) })
    let assembly = try withOwnCodes { () throws(SafetensorsError) in
      try ShardAssembly(
        index: index.renamed { tensorName($0, stored) }, indexPath: path,
        tensors: shards.map(\.tensors))
    }
    let sharded = ShardedTensors(
      tensors: assembly.tensors, shards: shards, shardOfTensor: assembly.fileOfTensor)
    return SourceTensors(
      sharded, findings: shards.flatMap(\.findings) + assembly.findings)
  }

  func info(of name: String) -> TensorInfo? {
    shardOfTensor[UTF8Key(name)].flatMap { shards[$0].info(of: name) }
  }

  func withTensorBytes<Result>(
    _ name: String, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) throws -> Result {
    guard let shard = shardOfTensor[UTF8Key(name)] else {
      throw CoreError(.tensorMissing, "there is no tensor '\(name)'")
    }
    return try shards[shard].withTensorBytes(name, body)
  }

  func discard(_ name: String, _ part: Range<Int>? = nil) {
    if let shard = shardOfTensor[UTF8Key(name)] { shards[shard].discard(name, part) }
  }

  /// The shard index is safetensors' own, its codes here are not.
  private static func withOwnCodes<Result>(
    _ body: () throws(SafetensorsError) -> Result
  ) throws(CheckpointError) -> Result {
    do {
      return try body()
    } catch {
      guard let code = SafetensorsErrorCode(rawValue: error.code).flatMap({ codes[$0] }) else {
        throw CheckpointError(wrapping: error)
      }
      throw CheckpointError(code, error.message, path: error.path, hint: error.hint)
    }
  }

  private static let codes: [SafetensorsErrorCode: CheckpointErrorCode] = [
    .indexInvalid: .indexInvalid, .shardNameUnsafe: .shardNameUnsafe,
    .shardTensorMissing: .shardTensorMissing, .shardTensorAmbiguous: .shardTensorAmbiguous,
  ]
}
