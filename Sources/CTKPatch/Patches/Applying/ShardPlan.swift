import CTKCore
import CTKSafetensors

/// Which file of a checkpoint each tensor of a result belongs into.
///
/// Tensors stay in their shards; the last shard takes those that are added.
struct ShardPlan {
  static let indexName = "model.safetensors.index.json"

  let shards: [(name: String, routes: [TensorRoute])]
  private let indexPath: String?
  /// Whether the source's index holds for the result, too.
  let isIndexKept: Bool

  init(checkpoint: SafetensorsCheckpoint, routes: [TensorRoute]) {
    var shardOfTensor: [UTF8Key: Int] = [:]
    for (position, shard) in checkpoint.shards.enumerated() {
      for info in shard.tensors { shardOfTensor[UTF8Key(info.name)] = position }
    }
    let last = checkpoint.shards.count - 1
    shards = checkpoint.shards.enumerated().map { position, shard in
      (shard.name, routes.filter { shardOfTensor[UTF8Key($0.name)] ?? last == position })
    }
    indexPath = checkpoint.indexPath
    isIndexKept = indexPath == nil || routes.allSatisfy(\.keepsByteCount)
  }

  /// The shard index of the result; nil when there is none.
  ///
  /// It is the source's own, byte for byte, when it still holds.
  func index() throws(PatchError) -> [UInt8]? {
    guard let path = indexPath else { return nil }
    if isIndexKept {
      return try PatchError.wrap { () throws(CoreError) in try readSmallFile(path) }
    }
    let parsed = try PatchError.wrap { () throws(CoreError) in try JSONParser.parseFile(path) }
    var index = parsed.objectValue ?? JSONObject()
    var (map, byteCount) = (JSONObject(), 0)
    for (name, routes) in shards {
      for info in routes.compactMap(\.result) {
        map[info.name] = .string(name)
        byteCount += info.byteCount
      }
    }
    var metadata = index["metadata"]?.objectValue ?? JSONObject()
    metadata["total_size"] = .integer(byteCount)
    index["metadata"] = .object(metadata)
    index["weight_map"] = .object(map)
    return Array(JSONValue.object(index).prettyText.utf8)
  }
}

extension SafetensorsCheckpoint {
  /// The shard index that led to the tensors; nil for a single file.
  fileprivate var indexPath: String? {
    if path.hasSuffix(".json") { return path }
    return Folder.exists(path) && !Folder.fileExists(path + "/model.safetensors")
      ? path + "/" + ShardPlan.indexName : nil
  }
}
