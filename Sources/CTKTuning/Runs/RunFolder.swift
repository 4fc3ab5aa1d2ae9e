import CTKCore
import CTKPatch

/// Names of the files of a run.
package struct RunFolder: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  private static let manifestName = "manifest.json"
  private static let maskName = "mask.safetensors"

  /// What was asked for, on which base and machine.
  package var manifest: String { path + "/" + Self.manifestName }
  /// Configuration of the tuned model.
  package var configuration: String { path + "/config.json" }
  package var mask: String { path + "/" + Self.maskName }
  /// Compact weights and, until the run is complete, the optimizer's moments.
  package var state: String { path + "/state.safetensors" }
  /// Compact weights of the best evaluation so far, while a run that keeps them goes on.
  package var best: String { path + "/best.safetensors" }
  package var log: String { path + "/log.jsonl" }
  /// Final metrics; present once the run is complete.
  package var metrics: String { path + "/metrics.json" }
  /// The tuned model as a checkpoint, when asked for.
  package var model: String { path + "/model" }

  /// Curves of the run, when asked for.
  package var plot: String { path + "/curves.svg" }

  package var isComplete: Bool { Folder.fileExists(metrics) }

  /// Whether there is nothing to lose under the folder's name.
  var isVacant: Bool {
    if Folder.exists(path) { return (try? Folder.names(in: path))?.isEmpty ?? false }
    return !Folder.fileExists(path)
  }
}

extension RunFolder {
  /// Begins a run: the folder appears with its manifest and mask, or not at all.
  ///
  /// - Parameter writeMask: writes the mask, if there is one, to the path that it is given.
  /// - Throws: `output.exists`, `output.*`.
  func create(
    _ manifest: RunManifest, replacesExisting: Bool,
    writeMask: (String) throws(PatchError) -> Void
  ) throws(TuningError) {
    do {
      let folder = try AtomicFolder(path: path, replacesExisting: replacesExisting || isVacant)
      try Self.write(manifest.json, to: folder.path(of: Self.manifestName))
      try writeMask(folder.path(of: Self.maskName))
      try folder.commit()
    } catch let error as any Diagnosable {
      throw TuningError(wrapping: error)
    } catch {
      throw TuningError(.stateInvalid, "\(error)", path: path)
    }
  }

  /// Writes a JSON file as a whole.
  static func write(_ json: JSONValue, to path: String) throws(CoreError) {
    var file = try AtomicFile(path: path, replacesExisting: true)
    try file.write(json.prettyText)
    try file.commit()
  }
}
