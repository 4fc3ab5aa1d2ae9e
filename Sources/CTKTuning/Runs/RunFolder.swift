import CTKCore

/// Names of the files of a run.
package struct RunFolder: Sendable {
  package let path: String

  package init(path: String) { self.path = path }

  /// What was asked for, on which base and machine.
  package var manifest: String { path + "/manifest.json" }
  /// Configuration of the tuned model.
  package var configuration: String { path + "/config.json" }
  package var mask: String { path + "/mask.safetensors" }
  /// Compact weights and, until the run is complete, the optimizer's moments.
  package var state: String { path + "/state.safetensors" }
  package var log: String { path + "/log.jsonl" }
  /// Final metrics; present once the run is complete.
  package var metrics: String { path + "/metrics.json" }
  /// The tuned model as a checkpoint, when asked for.
  package var model: String { path + "/model" }

  package var isComplete: Bool { Folder.fileExists(metrics) }
}
