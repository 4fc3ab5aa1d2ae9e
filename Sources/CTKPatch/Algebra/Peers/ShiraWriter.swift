public import CTKCore
import CTKSafetensors

extension ShiraAdapter {
  /// Writes an adapter that turns a base into a tuned model, as far as one addition
  /// of floats can; the summary tells how far.
  ///
  /// Linear layers become differences at positions; every other module that changes is
  /// stored whole. Peak memory is about the changed elements of one tensor.
  ///
  /// - Throws: `peer.not-representable`, `output.*`, and the codes of the sources.
  public static func write(
    base: any TensorSource, tuned: any TensorSource, to folder: String,
    replacesExisting: Bool = false
  ) throws(PatchError) -> PeerSummary {
    let plan = try ShiraPlan(
      PeerChanges(base: base, tuned: tuned), base: base, tuned: tuned)
    let output = try PatchError.wrap { () throws(CoreError) in
      try AtomicFolder(path: folder, replacesExisting: replacesExisting)
    }
    let summary = try writeWeights(plan, base, tuned, to: output.path(of: weightsName))
    try PatchError.wrap { () throws(CoreError) in
      var file = try AtomicFile(path: output.path(of: configurationName))
      try file.write(configuration(plan).prettyText)
      try file.commit()
    }
    do throws(CoreError) { try output.commit() } catch { throw PatchError(wrapping: error) }
    return summary
  }

  private static func configuration(_ plan: ShiraPlan) -> JSONValue {
    let targets = plan.layers.map(\.module).sorted(by: utf8Precedes)
    return [
      "base_model_name_or_path": .null, "fan_in_fan_out": false, "inference_mode": true,
      "init_weights": true, "mask_type": "random",
      "modules_to_save": plan.modules.isEmpty
        ? .null : .array(plan.modules.map { .string($0) }),
      "peft_type": "SHIRA", "r": .integer(plan.rank), "random_seed": 0, "revision": .null,
      "target_modules": .array(targets.map { .string($0) }), "task_type": .null,
    ]
  }

  private static func writeWeights(
    _ plan: ShiraPlan, _ base: any TensorSource, _ tuned: any TensorSource, to path: String
  ) throws(PatchError) -> PeerSummary {
    var summary = PeerSummary(format: .shira)
    var infos: [TensorInfo] = []
    var layers: [String: ShiraPlan.Layer] = [:]
    for layer in plan.layers {
      let count = plan.rank * layer.side
      let name = prefix + layer.module
      infos.append(try info(name + weightSuffix, .f32, [count]))
      infos.append(try info(name + indicesSuffix, .i32, [2, count]))
      layers[name + weightSuffix] = layer
      layers[name + indicesSuffix] = layer
      summary.changed += layer.changed
      summary.stored += count
    }
    for tensor in tuned.tensors
    where plan.modules.contains(where: { tensor.name.hasPrefix($0 + ".") }) {
      infos.append(tensor.renamed(prefix + tensor.name))
      summary.whole.append(tensor.name)
    }
    var writer = try PatchError.wrap { () throws(SafetensorsError) in
      try SafetensorsWriter(path: path, tensors: infos, metadata: ["format": "pt"])
    }
    for info in writer.order {
      let bytes: [UInt8]
      if let layer = layers[info.name] {
        let stored = try StoredElements(layer.info, count: plan.rank * layer.side, base, tuned)
        bytes =
          info.dtype == .i32
          ? stored.coordinates : try stored.differences(base, tuned, noting: &summary)
      } else {
        let name = String(info.name.dropFirst(prefix.count))
        bytes = try tuned.lend(name) { (bytes) throws(PatchError) in Array(bytes) }
      }
      try writer.append(bytes)
    }
    try writer.finish()
    return summary
  }

  private static func info(
    _ name: String, _ dtype: DType, _ shape: [Int]
  ) throws(PatchError) -> TensorInfo {
    try PatchError.wrap { () throws(CoreError) in
      try TensorInfo(name: name, dtype: dtype, shape: shape)
    }
  }
}

/// The elements of a matrix that an adapter stores: those that change, and others that
/// fill up the number the rank asks for.
private struct StoredElements {
  private let info: TensorInfo
  private let changed: [Int]
  /// Ascending.
  private let indices: [Int]

  init(
    _ info: TensorInfo, count: Int, _ base: any TensorSource, _ tuned: any TensorSource
  ) throws(PatchError) {
    self.info = info
    changed = try ChangedElements(info, base: base, tuned: tuned).indices
    var (fillers, next, place): ([Int], Int, Int) = ([], 0, 0)
    while fillers.count < count - changed.count {
      if next < changed.count, changed[next] == place {
        next += 1
      } else {
        fillers.append(place)
      }
      place += 1
    }
    indices = (changed + fillers).sorted()
  }

  /// All rows, then all columns, as 32-bit integers.
  var coordinates: [UInt8] {
    let columns = info.shape[1]
    return SparseSafetensors.encoded(indices.map { $0 / columns }, as: .i32)
      + SparseSafetensors.encoded(indices.map { $0 % columns }, as: .i32)
  }

  /// The 32-bit floats to add; a filler's is -0, which changes no number, not even a zero.
  func differences(
    _ base: any TensorSource, _ tuned: any TensorSource, noting summary: inout PeerSummary
  ) throws(PatchError) -> [UInt8] {
    guard let format = FloatDifference(info.dtype) else { return [] }
    return try base.lend(info.name) { (old) throws(PatchError) in
      try tuned.lend(info.name) { (new) throws(PatchError) in
        info.dtype == .f32
          ? differences(old, new, format, as: UInt32.self, noting: &summary)
          : differences(old, new, format, as: UInt16.self, noting: &summary)
      }
    }
  }

  private func differences<Word: UnitWord>(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, _ format: FloatDifference,
    as _: Word.Type, noting summary: inout PeerSummary
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    var next = 0
    for index in indices {
      var difference: Float = -0.0
      if next < changed.count, changed[next] == index {
        next += 1
        let offset = index * MemoryLayout<Word>.size
        let result = format.between(
          Word(littleEndian: old.loadUnaligned(fromByteOffset: offset, as: Word.self)),
          Word(littleEndian: new.loadUnaligned(fromByteOffset: offset, as: Word.self)))
        difference = result.difference
        summary.note(result)
      }
      withUnsafeBytes(of: difference.bitPattern.littleEndian) { bytes += $0 }
    }
    return bytes
  }
}
