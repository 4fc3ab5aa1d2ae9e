public import CTKCore
import CTKSafetensors

extension SparseSafetensors {
  /// Writes what turns a base into a tuned model; exact.
  ///
  /// Peak memory is about the changed elements of one tensor.
  ///
  /// - Throws: `peer.not-representable`, `output.*`, and the codes of the sources.
  public static func write(
    base: any TensorSource, tuned: any TensorSource, to path: String,
    replacesExisting: Bool = false
  ) throws(PatchError) -> PeerSummary {
    let changes = try PeerChanges(base: base, tuned: tuned)
    var summary = PeerSummary(format: .sparseSafetensors)
    summary.whole = changes.whole.map(\.name)
    var infos = changes.whole
    var weights = 0
    for info in changes.changed {
      let count = try ChangedElements(info, base: base, tuned: tuned).indices.count
      summary.changed += count
      weights += info.elementCount
      infos.append(try part(info, indicesSuffix, indexDType(info), count))
      infos.append(try part(info, valuesSuffix, info.dtype, count))
    }
    summary.stored = summary.changed
    var writer = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsWriter(
        path: path, tensors: infos, metadata: metadata(changes, summary, weights),
        replacesExisting: replacesExisting)
    }
    let sources = Dictionary(
      uniqueKeysWithValues: changes.changed.flatMap {
        [($0.name + indicesSuffix, $0), ($0.name + valuesSuffix, $0)]
      })
    for info in writer.order {
      let bytes: [UInt8]
      if let source = sources[info.name] {
        let indices = try ChangedElements(source, base: base, tuned: tuned).indices
        bytes =
          info.name == source.name + indicesSuffix
          ? encoded(indices, as: info.dtype)
          : try gathered(indices, of: source, in: tuned)
      } else {
        bytes = try tuned.lend(info.name) { (bytes) throws(PatchError) in Array(bytes) }
      }
      try writer.append(bytes)
    }
    try writer.finish()
    return summary
  }

  private static func metadata(
    _ changes: PeerChanges, _ summary: PeerSummary, _ weights: Int
  ) -> [String: String] {
    let density = weights == 0 ? 0 : Double(summary.changed) / Double(weights)
    let names = JSONValue.array(changes.changed.map { .string($0.name) })
    return [
      "changed_params": names.compactText, "format": "pt", "sparse": "True",
      "sparsity": JSONValue.real(1 - density).compactText,
    ]
  }

  private static func part(
    _ info: TensorInfo, _ suffix: String, _ dtype: DType, _ count: Int
  ) throws(PatchError) -> TensorInfo {
    try PatchError.wrap { () throws(CoreError) in
      try TensorInfo(name: info.name + suffix, dtype: dtype, shape: [count])
    }
  }

  private static func indexDType(_ info: TensorInfo) -> DType {
    info.elementCount <= Int(Int32.max) ? .i32 : .i64
  }

  static func encoded(_ indices: [Int], as dtype: DType) -> [UInt8] {
    indices.flatMap { index in
      withUnsafeBytes(of: UInt64(index).littleEndian) { Array($0.prefix(dtype.bitWidth / 8)) }
    }
  }

  private static func gathered(
    _ indices: [Int], of info: TensorInfo, in source: any TensorSource
  ) throws(PatchError) -> [UInt8] {
    let width = info.dtype.bitWidth / 8
    return try source.lend(info.name) { (bytes) throws(PatchError) in
      var result: [UInt8] = []
      result.reserveCapacity(indices.count * width)
      for index in indices { result += bytes[index * width..<(index + 1) * width] }
      return result
    }
  }
}
