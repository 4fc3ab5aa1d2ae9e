/// What a long step tells while it runs; libraries never print.
public struct ProgressEvent: Sendable {
  /// What is being done, for example "fisher" or "epoch 2/3".
  public let stage: String
  public let completed: Int
  public let total: Int
  /// The unit that `completed` counts, for example "tensors" or "steps".
  public let unit: String
  /// Further figures to show, such as ("loss", "0.413").
  public let details: [(label: String, value: String)]

  public init(
    stage: String, completed: Int, total: Int, unit: String,
    details: [(label: String, value: String)] = []
  ) {
    self.stage = stage
    self.completed = completed
    self.total = total
    self.unit = unit
    self.details = details
  }
}

/// Receiver of progress events.
public typealias ProgressHandler = (ProgressEvent) -> Void
