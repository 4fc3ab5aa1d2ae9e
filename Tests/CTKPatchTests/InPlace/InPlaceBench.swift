import CTKCore
import CTKPatch
import CTKSafetensors
import CTKTestSupport
import Foundation

/// Three models of one base in folders, and the patches between them.
struct InPlaceBench: Codable, Sendable {
  /// The way the weights lie.
  enum Layout: String, Codable, CaseIterable {
    /// One file.
    case single
    /// Two shards and their index.
    case sharded
  }

  let root: String
  let layout: Layout

  var patches: [String] { ["first", "second"].map { root + "/\($0).ctkpatch" } }
  var model: String { root + "/model" }

  /// A folder as it must be: 0 is the base, 1 and 2 are the tasks'.
  func expected(_ state: Int) -> String { root + "/state-\(state)" }

  /// - Parameter isSameLayout: whether the tasks change weights in place only.
  init(in folder: TemporaryFolder, _ layout: Layout, isSameLayout: Bool = false) throws {
    self.init(root: folder.path, layout: layout)
    var states = [try Self.base(isSameLayout: isSameLayout)]
    for seed in [UInt64(2), 3] {
      states.append(try Self.tuned(states[0], seed: seed, isSameLayout: isSameLayout))
    }
    for (number, state) in states.enumerated() {
      try write(state, to: expected(number), config: "{\"task\": \(isSameLayout ? 0 : number)}")
    }
    for number in [1, 2] {
      let config = [0, number].map { Array("{\"task\": \($0)}".utf8) }
      let change = ChangedFile(name: "config.json", before: config[0], after: config[1])
      _ = try PatchExporter.export(
        base: states[0], tuned: states[number], files: isSameLayout ? [] : [change],
        to: patches[number - 1])
    }
  }

  private init(root: String, layout: Layout) {
    self.root = root
    self.layout = layout
  }

  private static func base(isSameLayout: Bool) throws -> TensorCollection {
    var random = SeededGenerator(seed: 1)
    var model = TensorCollection()
    for (name, dtype) in [("a.weight", DType.f32), ("b.weight", .bf16), ("c.weight", .f64)] {
      let bytes = Checkpoints.randomBytes(dtype, count: 60 * 40, &random)
      try model.set(name, dtype: dtype, shape: [60, 40], bytes: bytes)
    }
    try model.set("d.same", shape: [9], floats: random.floats(9))
    if !isSameLayout { try model.set("e.head", shape: [2, 3], floats: random.floats(6)) }
    return model
  }

  private static func tuned(
    _ base: TensorCollection, seed: UInt64, isSameLayout: Bool
  ) throws -> TensorCollection {
    var (random, model) = (SeededGenerator(seed: seed), base)
    for (name, dtype) in [("a.weight", DType.f32), ("c.weight", .f64)] {
      let bytes = try base.withTensorBytes(name) { Array($0) }
      try model.set(
        name, dtype: dtype, shape: [60, 40],
        bytes: Checkpoints.changed(bytes, width: dtype.bitWidth / 8, share: 0.02, &random))
    }
    if isSameLayout { return model }
    model.remove("e.head")
    try model.set("f.head", shape: [Int(seed), 4], floats: random.floats(Int(seed) * 4))
    return model
  }

  private func write(_ model: TensorCollection, to path: String, config: String) throws {
    try Folder.create(path)
    try Data(config.utf8).write(to: URL(filePath: path + "/config.json"))
    guard layout == .sharded else {
      return try Checkpoints.write(model, to: path + "/model.safetensors")
    }
    var (map, byteCount) = (JSONObject(), 0)
    for number in [1, 2] {
      var shard = TensorCollection()
      let name = "model-0000\(number)-of-00002.safetensors"
      for info in model.tensors where (info.name < "c") == (number == 1) {
        let bytes = try model.withTensorBytes(info.name) { Array($0) }
        try shard.set(info.name, dtype: info.dtype, shape: info.shape, bytes: bytes)
        map[info.name] = .string(name)
        byteCount += info.byteCount
      }
      try Checkpoints.write(shard, to: path + "/" + name)
    }
    let index = JSONObject([
      "metadata": ["total_size": .integer(byteCount)], "weight_map": .object(map),
    ])
    try Data(JSONValue.object(index).prettyText.utf8)
      .write(to: URL(filePath: path + "/model.safetensors.index.json"))
  }
}

// MARK: Changes

extension InPlaceBench {
  /// One command on the model.
  enum Change: String, Codable, CaseIterable {
    case apply, revert, replace

    /// The states that the model has before and after.
    var states: (before: Int, after: Int) {
      switch self {
      case .apply: (0, 1)
      case .revert: (1, 0)
      case .replace: (1, 2)
      }
    }
  }

  func run(_ change: Change, onStep: (@Sendable () -> Void)? = nil) throws(PatchError) {
    var options = ApplyOptions()
    options.onStep = onStep
    _ =
      switch change {
      case .apply:
        try PatchApplier.apply(
          base: model, patches: [patches[0]], to: .inPlace, options: options)
      case .revert:
        try PatchApplier.revert(
          model: model, patches: [patches[0]], to: .inPlace, options: options)
      case .replace:
        try PatchApplier.replace(
          model: model, patch: patches[0], by: patches[1], to: .inPlace, options: options)
      }
  }

  /// Puts the model into a state.
  func reset(to state: Int) throws {
    Folder.removeTree(model)
    try FileManager.default.copyItem(atPath: expected(state), toPath: model)
  }

  /// Whether the model's folder is, file by file, as in a state.
  func isIn(_ state: Int) throws -> Bool {
    let names = try Folder.names(in: model)
    guard try names == Folder.names(in: expected(state)) else { return false }
    return try names.allSatisfy {
      try readSmallFile(model + "/" + $0) == readSmallFile(expected(state) + "/" + $0)
    }
  }
}
