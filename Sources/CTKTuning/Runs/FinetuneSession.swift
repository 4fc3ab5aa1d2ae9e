package import CTKCore
package import CTKModel

/// How one session of a run meets the world; nothing of it changes the run's outcome.
package struct FinetuneSession {
  /// Seconds between two saved states within an epoch.
  package var saveInterval = 30.0
  /// Whether to write the tuned model as a checkpoint of its own.
  package var savesModel = false
  /// Whether to draw the loss over the steps.
  package var plots = false
  /// What a forward pass keeps for its backward pass.
  package var activations = KeptActivations.all
  package var onProgress: ProgressHandler?
  /// What happens during the run, as `log.jsonl` records it.
  package var onEvent: ((JSONValue) -> Void)?
  /// Asked after every step; a session that should stop saves its state and ends with
  /// `run.interrupted`.
  package var shouldStop: () -> Bool = { false }
  /// Largest resident set of this process so far.
  package var peakMemoryBytes: () -> Int = { 0 }

  package init() {}
}
