import CTKCore
package import CTKModel

/// A part of a task's data.
package enum Split: Sendable, Hashable, CaseIterable {
  case train
  case dev
}

/// One of a task's evaluation sets.
package struct EvaluationSet: Sendable {
  /// Ends the names of its metrics; nil for the main one.
  package let name: String?
  package let examples: [Example]

  package init(name: String?, examples: [Example]) {
    self.name = name
    self.examples = examples
  }
}

/// The labelled examples of a task, in the order of its files.
package struct TaskData: Sendable {
  package let train: [Example]
  package let dev: [Example]
  /// Evaluation sets besides `dev`, such as MNLI's mismatched one.
  package let furtherDev: [EvaluationSet]
  package let labels: LabelSpace
  /// Rows left out: malformed ones of files known to have them, and rows without agreed label.
  package let skippedRows: Int

  package init(
    train: [Example], dev: [Example], furtherDev: [EvaluationSet] = [], labels: LabelSpace,
    skippedRows: Int
  ) {
    self.train = train
    self.dev = dev
    self.furtherDev = furtherDev
    self.labels = labels
    self.skippedRows = skippedRows
  }

  /// All evaluation sets, the main one first.
  package var evaluationSets: [EvaluationSet] {
    [EvaluationSet(name: nil, examples: dev)] + furtherDev
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

  /// Classes of the words of examples; nil when one has none.
  package static func tags(_ examples: [Example]) -> [[Int]]? {
    let tags = examples.compactMap { example -> [Int]? in
      if case .tags(let ids) = example.label { ids } else { nil }
    }
    return tags.count == examples.count ? tags : nil
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
