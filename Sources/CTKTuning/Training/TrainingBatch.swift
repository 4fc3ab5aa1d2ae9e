package import CTKModel

/// Examples that go through the network together, and what it is to say of them.
package struct TrainingBatch: Sendable {
  package let batch: PackedBatch
  package let targets: Targets

  package init(batch: PackedBatch, targets: Targets) {
    self.batch = batch
    self.targets = targets
  }
}
