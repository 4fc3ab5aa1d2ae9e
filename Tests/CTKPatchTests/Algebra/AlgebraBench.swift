import CTKCore
import CTKPatch
import CTKTestSupport

/// Models that descend from each other, and patches between them.
struct AlgebraBench {
  let folder = TemporaryFolder()

  /// Exports the patch between two models and opens it.
  func patch(
    _ name: String, from base: any TensorSource, to tuned: any TensorSource,
    files: [ChangedFile] = [], provenance: Provenance = Provenance(), blockShift: Int? = nil,
    codec: CodecChoice = .auto
  ) throws -> PatchFile {
    var options = ExportOptions(codec: codec)
    options.blockShift = blockShift
    let path = folder.file(name)
    _ = try PatchExporter.export(
      base: base, tuned: tuned, files: files, provenance: provenance, options: options, to: path,
      replacesExisting: true)
    return try PatchFile(path: path)
  }

  /// A model of every kind of tensor that patches meet.
  static func model(seed: UInt64) throws -> TensorCollection {
    var random = SeededGenerator(seed: seed)
    var model = TensorCollection()
    for (name, dtype, shape) in [
      ("a.weight", DType.f32, [12, 20]), ("b.weight", .bf16, [8, 9]), ("c.scale", .f32, []),
      ("d.table", .f16, [7, 31]), ("e.none", .f32, [0, 4]), ("f.ids", .i64, [9]),
      ("g.flags", .bool, [16]), ("h.head", .f32, [2, 12]), ("i.double", .f64, [5, 5]),
    ] {
      let count = shape.reduce(1, *)
      try model.set(
        name, dtype: dtype, shape: shape,
        bytes: Checkpoints.randomBytes(dtype, count: count, &random))
    }
    return model
  }

  /// A model in which some tensors of `model` changed, went, came back or grew.
  static func descendant(
    of model: TensorCollection, origin: TensorCollection, seed: UInt64
  ) throws -> TensorCollection {
    var random = SeededGenerator(seed: seed)
    var result = model
    let names = Set(model.tensors.map(\.name)).union(origin.tensors.map(\.name)).sorted()
    for name in names {
      let choice = random.next() % 8
      guard let info = model.info(of: name) else {
        if choice < 4 { try copy(name, from: origin, to: &result) }
        continue
      }
      let bytes = try model.withTensorBytes(name) { Array($0) }
      switch choice {
      case 0: result.remove(name)
      case 1 where origin.info(of: name) != nil: try copy(name, from: origin, to: &result)
      case 2:
        let extra = Checkpoints.randomBytes(info.dtype, count: info.elementCount * 2, &random)
        try result.set(name, dtype: info.dtype, shape: [2] + info.shape, bytes: extra)
      case 3...5 where !bytes.isEmpty:
        let width = CodingUnit(info.dtype).byteCount
        try result.set(
          name, dtype: info.dtype, shape: info.shape,
          bytes: Checkpoints.changed(bytes, width: width, share: 0.2, &random))
      default: break
      }
    }
    if random.next() % 2 == 0 {
      try result.set("new.\(random.next() % 3)", shape: [3], floats: random.floats(3))
    }
    return result
  }

  private static func copy(
    _ name: String, from source: TensorCollection, to target: inout TensorCollection
  ) throws {
    guard let info = source.info(of: name) else { return }
    let bytes = try source.withTensorBytes(name) { Array($0) }
    try target.set(name, dtype: info.dtype, shape: info.shape, bytes: bytes)
  }

  /// A model and a line of descendants.
  static func line(length: Int, seed: UInt64) throws -> [TensorCollection] {
    var models = [try model(seed: seed)]
    for step in 1...length {
      models.append(
        try descendant(
          of: models[step - 1], origin: models[0], seed: seed &* 1_000 &+ UInt64(step)))
    }
    return models
  }

  /// The code of the error that `body` must throw.
  static func code(_ body: () throws -> Void) -> String? {
    do {
      try body()
      return nil
    } catch {
      return (error as? any Diagnosable)?.code
    }
  }
}
