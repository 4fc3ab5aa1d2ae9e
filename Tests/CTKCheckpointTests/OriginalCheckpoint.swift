import CTKCore
import CTKSafetensors
import CTKTestSupport

/// A TensorFlow checkpoint under the names of an original release, made by rules of its own.
struct OriginalCheckpoint {
  typealias Variable = (shape: [Int], bytes: [UInt8])

  var variables: [String: Variable] = [:]

  /// Tensors of a reference model whose names the rule knows.
  init(of model: String, _ rule: (String) -> (name: String, isTransposed: Bool)?) throws {
    let source = try SafetensorsFile(path: checkpoint("\(model)/pt/model.safetensors"))
    for info in source.tensors {
      guard let (name, isTransposed) = rule(info.name) else { continue }
      let bytes = try source.bytes(of: info.name)
      variables[name] =
        isTransposed
        ? (info.shape.reversed(), Self.transposed(bytes, info.shape)) : (info.shape, bytes)
    }
  }

  /// Adds the slots of Adam to every variable, and the step.
  mutating func addOptimizer(slots: [String]) {
    for (name, variable) in variables {
      for slot in slots { variables[name + "/" + slot] = variable }
    }
    variables["beta1_power"] = ([], [0, 0, 0, 0])
    variables["global_step"] = ([], [0, 0, 0, 0])
  }

  /// Replaces variables `prefix/0`, `prefix/1` and so on by one with an axis for them.
  mutating func stack(_ prefix: String) throws {
    var layers: [Variable] = []
    while let layer = variables.removeValue(forKey: "\(prefix)/\(layers.count)") {
      layers.append(layer)
    }
    variables[prefix] = ([layers.count] + layers[0].shape, layers.flatMap(\.bytes))
  }

  /// - Returns: the checkpoint's prefix.
  func write(into folder: TemporaryFolder) throws -> String {
    var entries: [RawTable.Entry] = [([], RawTable.message([(1, .number(1))]))]
    var data: [UInt8] = []
    for (name, variable) in variables.sorted(by: { utf8Precedes($0.key, $1.key) }) {
      let shape = variable.shape.flatMap { extent in
        RawTable.message([(2, .bytes(RawTable.message([(1, .number(extent))])))])
      }
      entries.append(
        (
          Array(name.utf8),
          RawTable.message([
            (1, .number(1)), (2, .bytes(shape)), (4, .number(data.count)),
            (5, .number(variable.bytes.count)),
          ])
        ))
      data += variable.bytes
    }
    try folder.write("model.ckpt.index", RawTable(entries: entries).bytes)
    try folder.write("model.ckpt.data-00000-of-00001", data)
    return folder.file("model.ckpt")
  }

  private static func transposed(_ bytes: [UInt8], _ shape: [Int]) -> [UInt8] {
    var result: [UInt8] = []
    for column in 0..<shape[1] {
      for row in 0..<shape[0] {
        let start = (row * shape[1] + column) * 4
        result += bytes[start..<start + 4]
      }
    }
    return result
  }
}
