package import CTKCore
package import CTKModel
package import CTKTensor

/// Forward passes over data sets, sorted by length and without kept activations.
package struct Evaluator {
  /// Tokens of a batch, unless one text alone has more.
  private static let tokenBudget = 2048

  private let network: SequenceClassifier
  private let parameters: ParameterVector
  private let compute: Compute

  package init(network: SequenceClassifier, parameters: ParameterVector, compute: Compute) {
    self.network = network
    self.parameters = parameters
    self.compute = compute
  }

  /// Logits of every example in the data's order, one row each.
  ///
  /// - Throws: `model.token-out-of-range`, `model.sequence-too-long`.
  package func logits(
    of data: TokenizedDataset, progress: ProgressHandler? = nil
  ) throws(ModelError) -> [[Float]] {
    try run(data, progress: progress) { _, _ in }
  }

  /// Logits, and the last layer's rows of each example as they come.
  package func run(
    _ data: TokenizedDataset, progress: ProgressHandler?,
    visitHiddenStates: (_ example: Int, _ rows: Matrix) -> Void
  ) throws(ModelError) -> [[Float]] {
    var results = [[Float]](repeating: [], count: data.count)
    let batches = plan(data)
    let workspace = try workspace(for: batches, data)
    for (number, examples) in batches.enumerated() {
      let batch = data.batch(examples)
      let pass = network.evaluate(batch, parameters, workspace)
      for (row, example) in examples.enumerated() {
        results[example] = pass.logits.rows(row..<row + 1).array()
        visitHiddenStates(
          example, pass.lastHiddenState.rows(batch.offsets[row]..<batch.offsets[row + 1]))
      }
      progress?(
        ProgressEvent(
          stage: "evaluate", completed: number + 1, total: batches.count, unit: "batches"))
    }
    withExtendedLifetime(workspace) {}
    return results
  }

  private func workspace(
    for batches: [[Int]], _ data: TokenizedDataset
  ) throws(ModelError) -> Workspace {
    var (tokens, sequences, longest) = (0, 0, 0)
    for examples in batches {
      let batch = data.batch(examples)
      try network.validate(batch)
      tokens = max(tokens, batch.tokenCount)
      sequences = max(sequences, batch.sequenceCount)
      longest = max(longest, batch.longest)
    }
    return network.workspace(
      BatchLimits(tokens: tokens, sequences: sequences, longest: longest), compute: compute,
      keeping: .none)
  }

  /// Examples from longest to shortest, cut where a batch reaches the token budget.
  private func plan(_ data: TokenizedDataset) -> [[Int]] {
    let order = (0..<data.count).sorted {
      (data.length($1), $0) < (data.length($0), $1)
    }
    var batches: [[Int]] = []
    var tokens = 0
    for example in order {
      if batches.isEmpty || tokens + data.length(example) > Self.tokenBudget {
        batches.append([])
        tokens = 0
      }
      batches[batches.count - 1].append(example)
      tokens += data.length(example)
    }
    return batches
  }
}
