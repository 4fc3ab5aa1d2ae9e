package import CTKCheckpoint
import CTKCore
import CTKSafetensors

/// A run's tuned model as a checkpoint of its own.
package enum TunedModelFolder {
  /// Writes weights, configuration and the base's tokenizer; an existing model is replaced
  /// as a whole.
  ///
  /// - Throws: `output.*` and the codes of reading the base.
  package static func write(
    _ weights: RunWeights, configuration: [UInt8], base: Checkpoint, to path: String
  ) throws(TuningError) {
    do {
      let target = try AtomicFolder(path: path, replacesExisting: true)
      var writer = try SafetensorsWriter(
        path: target.path(of: "model.safetensors"), tensors: weights.tensors,
        metadata: ["format": "pt"])
      for info in writer.order {
        try weights.withTensorBytes(info.name) { try writer.write($0) }
      }
      try writer.commit()
      try write(configuration, to: target.path(of: "config.json"))
      for name in base.tokenizerFiles {
        try write(try readSmallFile(base.path + "/" + name), to: target.path(of: name))
      }
      try target.commit()
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error)
    } catch {
      throw TuningError(.stateInvalid, "\(error)", path: path)
    }
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(CoreError) {
    var file = try AtomicFile(path: path)
    try file.write(bytes)
    try file.commit()
  }
}
