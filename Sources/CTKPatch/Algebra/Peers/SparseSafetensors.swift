public import CTKCore
import CTKSafetensors

/// Changed elements as `NAME.indices` and `NAME.values` in a safetensors file: the
/// layout in which trainers send weights to inference engines.
public enum SparseSafetensors {
  static let indicesSuffix = ".indices"
  static let valuesSuffix = ".values"

  /// Whether a safetensors file looks like one: every list of indices has its values.
  public static func isOne(_ path: String) -> Bool {
    guard let file = try? SafetensorsFile(path: path) else { return false }
    return file.tensors.contains { info in
      info.name.hasSuffix(indicesSuffix)
        && file.info(of: info.name.dropLast(indicesSuffix.count) + valuesSuffix) != nil
    }
  }

  /// What the file changes in a base.
  ///
  /// A tensor that is not a part of a pair is taken whole.
  ///
  /// - Throws: `peer.damaged`, `peer.tensor-unknown`, and the codes of `SafetensorsFile`.
  public static func read(_ path: String, base: any TensorSource) throws(PatchError) -> [PeerTensor]
  {
    let file = try PatchError.wrap { () throws(SafetensorsError) in try SafetensorsFile(path: path)
    }
    let names = PeerNames(base: base)
    var changes: [PeerTensor] = []
    for info in file.tensors {
      if info.name.hasSuffix(valuesSuffix),
        file.info(of: info.name.dropLast(valuesSuffix.count) + indicesSuffix) != nil
      {
        continue
      }
      guard info.name.hasSuffix(indicesSuffix) else {
        changes.append(whole(info, in: file, as: names.resolve(info.name) ?? info.name))
        continue
      }
      let name = String(info.name.dropLast(indicesSuffix.count))
      guard let values = file.info(of: name + valuesSuffix), values.shape == info.shape,
        info.shape.count == 1, values.elementCount * values.dtype.bitWidth == values.byteCount * 8
      else {
        throw PatchError(
          .peerDamaged, "'\(info.name)' has no values of its length beside it", path: path)
      }
      changes.append(
        PeerTensor(
          name: try names.require(name, path: path),
          content: .overwrite { () throws(PatchError) in
            ScatteredValues(
              indices: try IndexList.read(info, in: file), dtype: values.dtype,
              bytes: try file.lend(values.name) { (bytes) throws(PatchError) in Array(bytes) })
          }))
    }
    return changes
  }

  static func whole(_ info: TensorInfo, in file: SafetensorsFile, as name: String) -> PeerTensor {
    PeerTensor(
      name: name,
      content: .whole(info.renamed(name)) { () throws(PatchError) in
        try file.lend(info.name) { (bytes) throws(PatchError) in Array(bytes) }
      })
  }
}

/// Lists of indices in safetensors files.
enum IndexList {
  /// Reads a tensor of integers.
  ///
  /// - Throws: `peer.damaged` for another dtype or a negative index.
  static func read(_ info: TensorInfo, in file: SafetensorsFile) throws(PatchError) -> [Int] {
    try file.lend(info.name) { (bytes) throws(PatchError) in
      let indices: [Int]
      switch info.dtype {
      case .i32: indices = list(bytes, info.elementCount, as: Int32.self)
      case .u32: indices = list(bytes, info.elementCount, as: UInt32.self)
      case .i64: indices = list(bytes, info.elementCount, as: Int64.self)
      default:
        throw PatchError(
          .peerDamaged, "'\(info.name)' holds \(info.dtype.rawValue), not indices",
          path: file.path)
      }
      if let wrong = indices.first(where: { $0 < 0 }) {
        throw PatchError(
          .peerDamaged, "'\(info.name)' holds the index \(wrong)", path: file.path)
      }
      return indices
    }
  }

  private static func list<Number: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, as _: Number.Type
  ) -> [Int] {
    (0..<count).map { entry in
      Int(
        Number(
          littleEndian: bytes.loadUnaligned(
            fromByteOffset: entry * MemoryLayout<Number>.size, as: Number.self)))
    }
  }
}
