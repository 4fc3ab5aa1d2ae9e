import CTKCore

/// The map of a sharded checkpoint, such as `model.safetensors.index.json`.
package struct ShardIndex: Sendable {
  /// Shard file names, sorted.
  package let shardNames: [String]
  /// The shard in which each tensor is said to lie.
  private(set) var shardOfTensor: [UTF8Key: String]
  /// Declared bytes of all tensors, when given as a number.
  let totalByteCount: Double?

  /// - Throws: `safetensors.index-invalid`, `safetensors.shard-name-unsafe`, and the codes
  ///   of reading a file.
  package init(path: String) throws(SafetensorsError) {
    let value: JSONValue
    do {
      value = try JSONParser.parseFile(path)
    } catch {
      throw error.code.hasPrefix("json.")
        ? SafetensorsError(.indexInvalid, "the shard index: \(error.message)", path: path)
        : SafetensorsError(wrapping: error)
    }
    guard let map = value["weight_map"]?.objectValue else {
      throw SafetensorsError(
        .indexInvalid, "the shard index has no object 'weight_map'", path: path)
    }
    var shardOfTensor: [UTF8Key: String] = [:]
    for (tensor, shard) in map.members {
      guard let name = shard.stringValue else {
        throw SafetensorsError(
          .indexInvalid, "weight_map gives no file name for '\(tensor)'", path: path)
      }
      guard Self.isPlainName(name) else {
        throw SafetensorsError(
          .shardNameUnsafe, "the shard name '\(name)' must be the plain name of a sibling file",
          path: path)
      }
      shardOfTensor[UTF8Key(tensor)] = name
    }
    self.shardOfTensor = shardOfTensor
    shardNames = Set(shardOfTensor.values).sorted(by: utf8Precedes)
    totalByteCount = value["metadata"]?["total_size"]?.doubleValue
  }

  /// The same index under other tensor names; when two become one, the shard stays that of the
  /// first in UTF-8 order.
  package func renamed(_ name: (String) -> String) -> ShardIndex {
    var index = self
    let sorted = shardOfTensor.sorted { utf8Precedes($0.key.text, $1.key.text) }
    index.shardOfTensor = Dictionary(
      sorted.map { (UTF8Key(name($0.key.text)), $0.value) }, uniquingKeysWith: { first, _ in first }
    )
    return index
  }

  /// Whether a name stays inside its folder on every system.
  package static func isPlainName(_ name: String) -> Bool {
    let separators: [UInt8] = [UInt8(ascii: "/"), UInt8(ascii: "\\"), 0]
    return !name.isEmpty && name != "." && name != ".."
      && !name.utf8.contains { separators.contains($0) }
  }
}
