import CTKCore
package import CTKModel

/// A part of a task's data.
package enum Split: Sendable, Hashable, CaseIterable {
  case train
  case dev
}

/// The labelled examples of a task, in the order of its files.
package struct TaskData: Sendable {
  package let train: [Example]
  package let dev: [Example]
  package let labels: LabelSpace
  /// Rows left out: malformed ones of files known to have them, and rows without agreed label.
  package let skippedRows: Int

  package init(train: [Example], dev: [Example], labels: LabelSpace, skippedRows: Int) {
    self.train = train
    self.dev = dev
    self.labels = labels
    self.skippedRows = skippedRows
  }

  /// The training examples of data that must have some.
  ///
  /// - Throws: `data.empty`.
  package func requireTrain() throws(TuningError) -> [Example] {
    guard !train.isEmpty else {
      throw TuningError(
        .dataEmpty, "the data has no training examples, only \(dev.count) to evaluate on",
        hint: "use data with a training set")
    }
    return train
  }

  /// What a head must predict for examples that are all labelled, and in the same way.
  package static func targets(_ examples: [Example]) -> Targets {
    if case .score = examples.first?.label {
      return .scores(
        examples.map { example in
          guard case .score(let value) = example.label else {
            preconditionFailure("an example among scored ones has no score")
          }
          return value
        })
    }
    return .classes(
      examples.map { example in
        guard case .classID(let id) = example.label else {
          preconditionFailure("an example has no class")
        }
        return id
      })
  }
}
