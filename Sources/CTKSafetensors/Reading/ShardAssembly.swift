package import CTKCore

/// What a shard index and the shards themselves say together.
package struct ShardAssembly {
  package private(set) var fileOfTensor: [UTF8Key: Int] = [:]
  package private(set) var tensors: [TensorInfo] = []
  package private(set) var findings: [String] = []

  /// - Parameter tensors: those of each shard, in the index's order of the shards.
  /// - Throws: `safetensors.shard-tensor-missing` when a tensor does not lie where the index
  ///   says, `safetensors.shard-tensor-ambiguous` when the index does not decide between two.
  package init(
    index: ShardIndex, indexPath: String, tensors shards: [[TensorInfo]]
  ) throws(SafetensorsError) {
    for (position, name) in index.shardNames.enumerated() {
      for tensor in shards[position] {
        try add(
          tensor, position, shard: name, listed: index.shardOfTensor[UTF8Key(tensor.name)],
          indexPath)
      }
    }
    for (tensor, shard) in index.shardOfTensor.sorted(by: { utf8Precedes($0.key.text, $1.key.text) }
    )
    where fileOfTensor[tensor].map({ index.shardNames[$0] }) != shard {
      throw SafetensorsError(
        .shardTensorMissing,
        "the index promises tensor '\(tensor.text)' in '\(shard)', "
          + "which does not hold it", path: indexPath)
    }
    tensors.sort { utf8Precedes($0.name, $1.name) }
    checkTotal(index.totalByteCount)
  }

  private mutating func add(
    _ tensor: TensorInfo, _ position: Int, shard: String, listed: String?, _ indexPath: String
  ) throws(SafetensorsError) {
    guard let listed else {
      if fileOfTensor[UTF8Key(tensor.name)] != nil {
        throw SafetensorsError(
          .shardTensorAmbiguous,
          "two shards hold tensor '\(tensor.name)' and the index names none", path: indexPath)
      }
      findings.append("tensor '\(tensor.name)' of '\(shard)' is not in the index")
      fileOfTensor[UTF8Key(tensor.name)] = position
      tensors.append(tensor)
      return
    }
    guard listed == shard else {
      findings.append(
        "tensor '\(tensor.name)' lies in '\(shard)' too; the one in '\(listed)' was read")
      return
    }
    fileOfTensor[UTF8Key(tensor.name)] = position
    tensors.append(tensor)
  }

  /// Published files hold wrong totals and floats, so this is only reported.
  private mutating func checkTotal(_ declared: Double?) {
    let found = tensors.reduce(0.0) { $0 + Double($1.byteCount) }
    if let declared, declared != found {
      findings.append("the index declares \(declared) bytes of tensors, the shards hold \(found)")
    }
  }
}
