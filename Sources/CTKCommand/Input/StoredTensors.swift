import CTKCheckpoint
import CTKCore
import CTKSafetensors

/// The tensors of any container under the names in its files.
enum StoredTensors {
  /// - Throws: the codes of the container.
  static func open(_ path: String) throws -> any TensorSource {
    try SourceTensors.isForeign(path)
      ? try SourceTensors(path: path) : try SafetensorsCheckpoint(path: path)
  }

  /// Whether canonical names cannot be had because ctk does not know the model.
  static func isUnknownModel(_ error: CheckpointError) -> Bool {
    [
      "checkpoint.architecture-unsupported", "checkpoint.config-missing", "config.unsupported",
    ].contains(error.code)
  }
}
