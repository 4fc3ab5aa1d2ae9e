import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Testing

/// Checkpoints and patches that the tests work on.
enum Checkpoints {
  /// Bit patterns that arithmetic on numbers would lose, as 64-bit words of a width.
  static func specials(bits: Int) -> [UInt64] {
    let top = UInt64(1) << (bits - 1)
    let all = bits == 64 ? UInt64.max : (1 << bits) - 1
    let words: [UInt64] =
      switch bits {
      case 16: [0x7F80, 0xFF80, 0x7FC1, 0x7F81, 0x7C00, 0x7C01, 0xFE02, 0x0001, 0x007F]
      case 32: [0x7F80_0000, 0xFF80_0000, 0x7FC0_0001, 0x7F80_0001, 0xFFC0_1234, 1, 0x7F_FFFF]
      case 64: [0x7FF0_0000_0000_0000, 0xFFF8_0000_0000_0001, 0x7FF0_0000_0000_0001, 1]
      default: [0x7C, 0x7F, 0xFE, 0x01]
      }
    return [0, top, all, all - 1, top - 1, top + 1] + words
  }

  /// A tensor's bytes: random bits with special patterns strewn in.
  static func randomBytes(
    _ dtype: DType, count: Int, _ random: inout SeededGenerator
  ) -> [UInt8] {
    let width = CodingUnit(dtype).byteCount
    let specials = specials(bits: 8 * width)
    var bytes: [UInt8] = []
    for _ in 0..<count * dtype.bitWidth / 8 / width {
      let word =
        random.next() % 4 == 0
        ? specials[Int(random.next() % UInt64(specials.count))] : random.next()
      withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0.prefix(width)) }
    }
    return bytes
  }

  /// The same bytes with about `share` of the units, at least one, changed.
  static func changed(
    _ bytes: [UInt8], width: Int, share: Double, _ random: inout SeededGenerator
  ) -> [UInt8] {
    var result = bytes
    let units = bytes.count / width
    let specials = specials(bits: 8 * width)
    for unit in 0..<units
    where share >= 1 || Double(random.next() >> 11) < share * 0x1p53 || unit == units / 2 {
      let old = Array(result[unit * width..<(unit + 1) * width])
      while Array(result[unit * width..<(unit + 1) * width]) == old {
        let word =
          random.next() % 3 == 0
          ? specials[Int(random.next() % UInt64(specials.count))] : random.next()
        withUnsafeBytes(of: word.littleEndian) { source in
          for byte in 0..<width { result[unit * width + byte] = source[byte] }
        }
      }
    }
    return result
  }

  /// A small model with every way a tensor can differ.
  static func pair(seed: UInt64) throws -> (base: TensorCollection, tuned: TensorCollection) {
    var random = SeededGenerator(seed: seed)
    var (base, tuned) = (TensorCollection(), TensorCollection())
    for (name, dtype, shape) in [
      ("a.weight", DType.f32, [12, 20]), ("b.weight", .bf16, [8, 9]), ("c.scale", .f32, []),
      ("d.same", .f16, [7]), ("e.none", .f32, [0, 4]),
    ] {
      let info = try TensorInfo(name: name, dtype: dtype, shape: shape)
      let bytes = randomBytes(dtype, count: info.elementCount, &random)
      try base.set(name, dtype: dtype, shape: shape, bytes: bytes)
      let other =
        name == "d.same" || bytes.isEmpty
        ? bytes : changed(bytes, width: dtype.bitWidth / 8, share: 0.1, &random)
      try tuned.set(name, dtype: dtype, shape: shape, bytes: other)
    }
    try base.set("f.gone", shape: [3], floats: [1, -0.0, 2])
    try tuned.set("g.head", shape: [2, 3], floats: random.floats(6))
    try base.set("h.grown", shape: [2, 2], floats: random.floats(4))
    try tuned.set("h.grown", shape: [3, 2], floats: random.floats(6))
    return (base, tuned)
  }

  /// Writes a source as one safetensors file.
  static func write(
    _ source: any TensorSource, to path: String, metadata: [String: String] = ["format": "pt"]
  ) throws {
    var writer = try SafetensorsWriter(
      path: path, tensors: source.tensors, metadata: metadata, replacesExisting: true)
    for info in writer.order {
      try source.withTensorBytes(info.name) { try writer.write($0) }
    }
    try writer.commit()
  }

  /// Every tensor of a source by name, for comparing bit for bit.
  static func contents(of source: any TensorSource) throws -> [String: Contents] {
    var result: [String: Contents] = [:]
    for info in source.tensors {
      let bytes = try source.withTensorBytes(info.name) { Array($0) }
      result[info.name] = Contents(info: info, bytes: bytes)
    }
    return result
  }

  struct Contents: Equatable {
    let info: TensorInfo
    let bytes: [UInt8]
  }
}

/// A base folder, its tuned twin and the patch between them, on disk.
struct PatchBench {
  /// Held by the suite as well, so that it outlives every path taken from it.
  let folder: TemporaryFolder
  let base: TensorCollection
  let tuned: TensorCollection
  let config = Array("{\n  \"labels\": 2\n}\n".utf8)
  let tunedConfig = Array("{\"labels\": 3, \"task\": \"mrpc\"}".utf8)

  var basePath: String { folder.file("base") }
  var tunedPath: String { folder.file("tuned") }
  var patchPath: String { folder.file("task.ctkpatch") }
  var outputPath: String { folder.file("output") }

  init(
    in folder: TemporaryFolder, seed: UInt64 = 1, blockShift: Int? = nil, joined: Bool? = nil
  ) throws {
    self.folder = folder
    (base, tuned) = try Checkpoints.pair(seed: seed)
    for (path, source, config) in [(basePath, base, config), (tunedPath, tuned, tunedConfig)] {
      try Folder.create(path)
      try Checkpoints.write(source, to: path + "/model.safetensors")
      try folder.write(
        String(path.dropFirst(folder.path.count + 1)) + "/config.json", config)
    }
    try folder.write("base/vocab.txt", Array("[PAD]\n".utf8))
    try folder.write("base/pytorch_model.bin", [1, 2, 3])
    var options = ExportOptions()
    options.blockShift = blockShift
    options.joinsStreams = joined
    _ = try PatchExporter.export(
      base: base, tuned: tuned, files: [changedConfig], options: options, to: patchPath)
  }

  var changedConfig: ChangedFile {
    ChangedFile(name: "config.json", before: config, after: tunedConfig)
  }
}
