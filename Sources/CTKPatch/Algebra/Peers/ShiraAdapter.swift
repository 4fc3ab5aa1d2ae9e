public import CTKCore
import CTKSafetensors

/// A SHiRA adapter of PEFT: float differences of linear layers at COO positions, and
/// whole modules beside them.
public enum ShiraAdapter {
  static let configurationName = "adapter_config.json"
  static let weightsName = "adapter_model.safetensors"
  static let prefix = "base_model.model."
  static let weightSuffix = ".shira_weight"
  static let indicesSuffix = ".shira_indices"

  /// Whether a folder holds an adapter, of whatever type.
  public static func isOne(_ path: String) -> Bool {
    Folder.fileExists(path + "/" + configurationName)
  }

  /// What the adapter changes in a base.
  ///
  /// - Throws: `peer.unsupported` for another type of adapter, `peer.damaged`,
  ///   `peer.tensor-unknown`, and the codes of JSON and `SafetensorsFile`.
  public static func read(_ folder: String, base: any TensorSource) throws(PatchError)
    -> [PeerTensor]
  {
    try requireShira(folder + "/" + configurationName)
    let path = folder + "/" + weightsName
    let file = try PatchError.wrap { () throws(SafetensorsError) in try SafetensorsFile(path: path)
    }
    let names = PeerNames(base: base)
    var changes: [PeerTensor] = []
    for info in file.tensors where !info.name.hasSuffix(indicesSuffix) {
      let name = info.name.hasPrefix(prefix) ? String(info.name.dropFirst(prefix.count)) : info.name
      guard name.hasSuffix(weightSuffix) else {
        changes.append(
          SparseSafetensors.whole(info, in: file, as: names.resolve(name) ?? name))
        continue
      }
      changes.append(try differences(info, named: name, in: file, base: base, names))
    }
    return changes
  }

  private static func requireShira(_ path: String) throws(PatchError) {
    let configuration = try PatchError.wrap { () throws(CoreError) in
      try JSONParser.parseFile(path)
    }
    let type = configuration["peft_type"]?.stringValue ?? "none"
    guard type == "SHIRA", configuration["fan_in_fan_out"]?.boolValue != true else {
      throw PatchError(
        .peerUnsupported, "this adapter is of type \(type), or stores its weights transposed",
        path: path, hint: "ctk reads SHiRA adapters of linear layers")
    }
  }

  private static func differences(
    _ values: TensorInfo, named name: String, in file: SafetensorsFile, base: any TensorSource,
    _ names: PeerNames
  ) throws(PatchError) -> PeerTensor {
    let module = String(name.dropLast(weightSuffix.count))
    let target = try names.require(module + ".weight", path: file.path)
    let stored = String(values.name.dropLast(weightSuffix.count)) + indicesSuffix
    guard let indices = file.info(of: stored), values.shape.count == 1,
      indices.shape == [2] + values.shape, let shape = base.info(of: target)?.shape,
      shape.count == 2
    else {
      throw PatchError(
        .peerDamaged, "'\(values.name)' has no positions in a matrix beside it", path: file.path)
    }
    return PeerTensor(
      name: target,
      content: .add { () throws(PatchError) in
        let places = try IndexList.read(indices, in: file)
        let count = values.elementCount
        for entry in 0..<count where places[entry] >= shape[0] || places[count + entry] >= shape[1]
        {
          throw PatchError(
            .peerDamaged,
            "position [\(places[entry]), \(places[count + entry])] lies outside '\(target)' "
              + "of shape \(shape)", path: file.path)
        }
        return ScatteredValues(
          indices: (0..<count).map { places[$0] * shape[1] + places[count + $0] },
          dtype: values.dtype,
          bytes: try file.lend(values.name) { (bytes) throws(PatchError) in Array(bytes) })
      })
  }
}
