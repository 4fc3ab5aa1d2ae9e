import CTKCore
import CTKHDF5

/// Weights of Keras: HDF5 files, several of them, or one inside an archive.
enum KerasFiles {
  /// The file of a preset's backbone, or the index of several.
  static let weightsOfPresets = ["model.weights.h5", "model.weights.json"]
  private static let presetTaskWeights = "task.weights.h5"

  /// Opens a single HDF5 file.
  static func open(_ path: String) throws(CheckpointError) -> SourceTensors {
    let file = try CheckpointError.wrap { () throws(HDF5Error) in try HDF5File(path: path) }
    return SourceTensors(
      file, findings: file.findings, configuration: try wholeModelConfiguration(file))
  }

  /// Opens a single HDF5 file, or those that an index of Keras names.
  static func openFiles(_ path: String) throws(CheckpointError) -> SourceTensors {
    path.hasSuffix(KerasShards.indexSuffix) ? try KerasShards.open(path) : try open(path)
  }

  /// The description of the model in a file that holds it as a whole.
  private static func wholeModelConfiguration(
    _ file: HDF5File
  ) throws(CheckpointError) -> JSONValue? {
    // An attribute that cannot be read as a string is no reason to refuse the weights.
    guard let text = try? file.stringAttribute("model_config", of: "") else { return nil }
    return try? JSONParser.parse(Array(text.utf8))
  }

  /// What a variable of a shard index is called in its shard: the index names the model's scope
  /// too.
  static func variableName(_ name: String, among stored: Set<String>) -> String {
    if stored.contains(name) { return name }
    return name.firstIndex(of: "/").map { String(name[name.index(after: $0)...]) } ?? name
  }

  /// Opens a KerasHub preset: the backbone and, when there is one, the head of the task.
  ///
  /// - Parameter folder: holds one of `weightsOfPresets`.
  static func openPreset(_ folder: String) throws(CheckpointError) -> SourceTensors {
    let names = weightsOfPresets.map { folder + "/" + $0 }
    let backbone = try openFiles(names.first(where: Folder.fileExists) ?? names[0])
    let task = folder + "/" + presetTaskWeights
    guard Folder.fileExists(task) else { return backbone }
    let merged = MergedTensors([
      .init(prefix: "", source: backbone),
      .init(prefix: KerasPath.taskPrefix, source: try open(task)),
    ])
    return SourceTensors(
      merged, findings: merged.findings, configuration: backbone.configuration)
  }

  /// Opens the weights inside a `.keras` archive where they lie.
  ///
  /// - Throws: `import.container-unsupported` when they are compressed or missing; the `zip.*`
  ///   and `hdf5.*` codes.
  static func openArchive(_ path: String) throws(CheckpointError) -> SourceTensors {
    let archive = try KerasArchive(path: path)
    let file = try CheckpointError.wrap { () throws(HDF5Error) in
      try HDF5File(path: path, member: archive.weights)
    }
    return SourceTensors(
      file, findings: file.findings, configuration: archive.configuration)
  }
}
